import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type DrawnRow, type Pen, drawBars } from '../../web/src/pages/trace/draw-bars.ts'
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
}
const row = (fields: Partial<DrawnRow> = {}): DrawnRow => ({
  colour: 1,
  bar: { x: 100, width: 50 },
  outside: undefined,
  way: undefined,
  wait: undefined,
  path: [],
  label: undefined,
  fault: undefined,
  ...fields,
})

/** What was drawn, in order: `colour shape x y width height`, or `colour text x y`. */
function drawn(rows: readonly DrawnRow[], { geometry = WIDE_ROW, ratio = 1 } = {}): { marks: string[]; transforms: number[][] } {
  const marks: string[] = []
  const transforms: number[][] = []
  let fillStyle = ''
  const pen: Record<string, unknown> = {
    set fillStyle(value: string) {
      fillStyle = value
    },
    setTransform: (...matrix: number[]) => void transforms.push(matrix),
    fillRect: (...at: number[]) => void marks.push([fillStyle, 'rect', ...at].join(' ')),
    roundRect: (x: number, y: number, width: number, height: number) => void marks.push([fillStyle, 'bar', x, y, width, height].join(' ')),
    fillText: (text: string, x: number, y: number) => void marks.push([fillStyle, text, x, y].join(' ')),
    stroke: () => void marks.push('stripes'),
  }
  const rest = new Proxy(pen, { get: (target, key) => Reflect.get(target, key) ?? (() => undefined) })
  drawBars(rest as unknown as Pen, rows, { ...geometry, timePx: 800, gridX: [400], font: '11px sans', ratio }, palette)
  return { marks, transforms }
}

suite('bars', () => {
  test('stand in the middle of their rows, in their services’ colours, over the lines of the grid', () => {
    assert.deepEqual(drawn([row(), row({ colour: 2 })]).marks, [
      'line rect 0 0 1 48',
      'line rect 409 0 1 48',
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
    assert.deepEqual(marks.slice(2), [
      'error bar 97 3 56 18',
      'surface bar 98.5 4.5 53 15',
      'one bar 100 6 50 12',
      'stripes',
      'text rect 110 19 40 3',
      'muted 5 ms 156 12.5',
    ])
  })

  test('are as sharp as the screen, and where names stand above them the grid spares the names', () => {
    const { marks, transforms } = drawn([row()], { geometry: NARROW_ROW, ratio: 2 })
    assert.deepEqual(transforms, [
      [2, 0, 0, 2, 0, 0],
      [2, 0, 0, 2, 24, 0],
    ])
    assert.deepEqual(marks, ['line rect 412 24 1 18', 'one bar 100 27 50 12'])
  })

  test('out of sight are an arrow', () => {
    assert.deepEqual(drawn([row({ bar: undefined, outside: 'after' })]).marks.at(-1), 'muted → 800 12.5')
  })
})
