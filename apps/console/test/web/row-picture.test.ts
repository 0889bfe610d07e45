import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { signAt } from '../../web/src/view-model/row-layout.ts'
import { type RowPicture, partAt, rowPicture, signText } from '../../web/src/view-model/row-picture.ts'
import { buildTree } from '../../web/src/view-model/trace-tree.ts'
import { visibleRows } from '../../web/src/view-model/tree-rows.ts'
import { span } from './span-fixture.ts'

const rows = visibleRows(
  buildTree([
    span('ask', undefined, 0, 100),
    span('send', 'ask', 10, 20, { kind: 'producer' }),
    span('handle', 'send', 40, 60, { kind: 'consumer', attributes: [{ key: 'seaworthy.time.pool_wait_ms', value: '5' }] }),
    span('instant', 'ask', 70, 70),
    span('fail', 'ask', 80, 90, { error: 'no' }),
    span('refuse', 'ask', 80, 90, { error: 'declined', outcome: 'rejected' }),
  ]),
  new Set(),
)
const node = (id: string) => rows.find((row) => row.span.spanId === id)!
/** Ten pixels a millisecond. */
const whole: Parameters<typeof rowPicture>[1] = { view: { startUs: 0, endUs: 100_000 }, timePx: 1_000, stretches: undefined }
const picture = (id: string, of: Partial<typeof whole> = {}) => rowPicture(node(id), { ...whole, ...of })
/** To a hundredth of a pixel. */
const placed = (...extents: readonly (RowPicture['bar'] | undefined)[]) =>
  extents.map((extent) => extent && [extent.x, extent.width].map((px) => Math.round(px * 100) / 100))

suite('the picture of a row', () => {
  test('has its bar, the way of its message before it, and its wait in it', () => {
    const { bar, way, wait, label } = picture('handle')
    assert.deepEqual(placed(bar, way, wait), [
      [400, 200],
      [200, 200],
      [400, 50],
    ])
    assert.deepEqual(label, { text: '20.0 ms after 20.0 ms on its way', x: 606, align: 'left', isWithin: false })
  })

  test('shows a span of no length, and which failed and which was only refused', () => {
    assert.deepEqual(picture('instant').bar, { x: 700, width: 2 })
    assert.deepEqual([picture('fail').fault, picture('refuse').fault, picture('ask').fault], ['failed', 'excused', undefined])
  })

  test('has no bar for a time that is not shown, and says on which side it lies', () => {
    const later = { view: { startUs: 65_000, endUs: 100_000 } }
    assert.deepEqual(
      [picture('send', later).bar, picture('send', later).outside, picture('send', later).label],
      [undefined, 'before', undefined],
    )
    assert.equal(picture('fail', { view: { startUs: 0, endUs: 50_000 } }).outside, 'after')
  })

  test('joins the stretches of the critical path that touch on the screen: never more than there are pixels', () => {
    const stretches = Array.from({ length: 50_000 }, (_, index) => ({ startUs: index * 2, endUs: index * 2 + 1 }))
    assert.deepEqual(placed(...picture('ask', { stretches }).path), [[0, 1_000.98]])
    const apart = [
      { startUs: 0, endUs: 1_000 },
      { startUs: 50_000, endUs: 60_000 },
      { startUs: 200_000, endUs: 300_000 },
    ]
    assert.deepEqual(placed(...picture('ask', { stretches: apart }).path), [
      [0, 10],
      [500, 100],
    ])
  })

  test('tells what is under the pointer', () => {
    const stretches = [{ startUs: 40_000, endUs: 60_000 }]
    const of = rowPicture(node('handle'), { ...whole, stretches })
    const at = (x: number, isBelowBar = false) => partAt(node('handle'), of, { x, isBelowBar })
    assert.equal(at(100), undefined)
    assert.match(at(300)!, /^On its way for 20\.0 ms/)
    assert.match(at(420)!, /^Waited 5\.00 ms/)
    assert.equal(at(500), 'orders: handle, 20.0 ms')
    assert.match(at(500, true)!, /^On the critical path/)
    const early = picture('send', { view: { startUs: 65_000, endUs: 100_000 } })
    assert.match(partAt(node('send'), early, { x: 500, isBelowBar: false })!, /^Before the time that is shown/)
  })

  test('tells what the signs before a name mean, by their places', () => {
    assert.deepEqual(
      [13, 14, 35, 36, 57, 58].map((x) => signAt(x, 14)),
      [undefined, 'chevron', 'chevron', 'kind', 'kind', undefined],
    )
    assert.equal(signText(node('handle'), 'kind', false), 'Handled a message that its parent sent: the parent did not wait for it')
    assert.equal(signText(node('ask'), 'chevron', true), 'Show 5 spans')
    assert.equal(signText(node('instant'), 'chevron', false), undefined)
  })
})
