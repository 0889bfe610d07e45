import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type DrawnRow, type Pen, drawRows } from '../../web/src/pages/trace/draw-rows.ts'
import { NARROW_ROW, WIDE_ROW } from '../../web/src/view-model/row-layout.ts'
import type { Palette } from '../../web/src/state/palette.ts'

const palette: Palette = {
  text: 'text',
  textMuted: 'muted',
  surface: 'surface',
  line: 'line',
  warn: 'warn',
  error: 'error',
  services: ['', 'one', 'two'],
  font: '11px sans',
}
const row = (fields: Partial<DrawnRow> = {}): DrawnRow => ({
  colour: 1,
  kind: 'client',
  indentPx: 14,
  chevron: undefined,
  bar: { x: 100, width: 50 },
  outside: undefined,
  way: undefined,
  wait: undefined,
  path: [],
  label: undefined,
  fault: undefined,
  ...fields,
})
const kindSigns = { unspecified: 'sign', internal: 'sign', server: 'served', client: 'called', producer: 'sent', consumer: 'handled' }

/** What was drawn, in order: `colour shape x y width height`, or `colour text x y`; and where the pen was moved to. */
function drawn(rows: readonly DrawnRow[], { geometry = WIDE_ROW, ratio = 1 } = {}): { marks: string[]; transforms: number[][] } {
  const marks: string[] = []
  const transforms: number[][] = []
  let [fillStyle, strokeStyle] = ['', '']
  const pen: Record<string, unknown> = {
    set fillStyle(value: string) {
      fillStyle = value
    },
    set strokeStyle(value: string) {
      strokeStyle = value
    },
    setTransform: (...matrix: number[]) => void transforms.push(matrix),
    fillRect: (...at: number[]) => void marks.push([fillStyle, 'rect', ...at].join(' ')),
    roundRect: (...[x, y, width, height]: number[]) => void marks.push([fillStyle, 'bar', x, y, width, height].join(' ')),
    fillText: (text: string, x: number, y: number) => void marks.push([fillStyle, text, x, y].join(' ')),
    stroke: (path: string = 'lines') => void marks.push(`${strokeStyle} ${path}`),
  }
  const rest = new Proxy(pen, { get: (target, key) => Reflect.get(target, key) ?? (() => undefined) })
  const size = { namePx: 300, timePx: 800 }
  const layout = { geometry, size, gridX: [400], font: '11px sans', ratio, kindSigns: kindSigns as never }
  drawRows(rest as unknown as Pen, rows, layout, palette)
  return { marks, transforms }
}

suite('rows', () => {
  test('have the signs of their kinds and a chevron, and bars in their services’ colours over the lines of the grid', () => {
    assert.deepEqual(drawn([row({ chevron: 'expanded' }), row({ colour: 2, kind: 'server' })]).marks, [
      'line rect 299 0 1 48',
      'line rect 708 0 1 48',
      'muted lines',
      'one called',
      'two served',
      'one bar 100 6 50 12',
      'two bar 100 30 50 12',
    ])
  })

  test('have a ring where they failed, stripes where they waited, the critical path below and their label beside', () => {
    const { marks } = drawn([
      row({
        fault: 'failed',
        wait: { x: 100, width: 20 },
        path: [{ x: 110, width: 40 }],
        label: { text: '5 ms', x: 156, align: 'left', isWithin: false },
      }),
    ])
    assert.deepEqual(marks.slice(3), [
      'error bar 97 3 56 18',
      'surface bar 98.5 4.5 53 15',
      'one bar 100 6 50 12',
      'surface lines',
      'text rect 110 19 40 3',
      'muted 5 ms 156 12.5',
    ])
  })

  test('are as sharp as the screen, and where names stand above bars the grid spares the names', () => {
    const { marks, transforms } = drawn([row()], { geometry: NARROW_ROW, ratio: 2 })
    assert.deepEqual(transforms.at(-1), [2, 0, 0, 2, 24, 0])
    assert.deepEqual(marks, ['line rect 412 24 1 18', 'one called', 'one bar 100 27 50 12'])
  })

  test('have no signs where a deep tree leaves no room for them', () => {
    assert.deepEqual(drawn([row({ indentPx: 280, chevron: 'collapsed' })]).marks.slice(2), ['one bar 100 6 50 12'])
  })

  test('out of sight have an arrow', () => {
    assert.deepEqual(drawn([row({ bar: undefined, outside: 'after' })]).marks.at(-1), 'muted → 800 12.5')
  })
})
