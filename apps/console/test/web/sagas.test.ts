import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { SagaDetails } from '@seaworthy/supervisor/management'
import type { DeclaredStep } from 'seaworthy/saga'
import { parseRoute, routeUrl } from '../../web/src/pages/registry.ts'
import { sagaGraph } from '../../web/src/view-model/saga-graph.ts'
import { timeScale } from '../../web/src/view-model/saga-time.ts'
import { sagaView, stateOf } from '../../web/src/view-model/saga.ts'
import { fakeSagas, mixedSagas } from '../sagas-fixture.ts'

const { sagas } = fakeSagas(mixedSagas())
const parked = await sagas.saga('orders', 'order-7')
const trip = await sagas.saga('travel', 'trip-1')

test('a saga’s steps become rows with their attempts, and what went wrong is shown at once', () => {
  const view = sagaView(parked)
  assert.deepEqual(
    view.steps.map(({ step, condition, tried, isOpenFirst }) => [step, condition.text, tried, isOpenFirst]),
    [
      ['reserve stock', 'done', '1 attempt', false],
      ['charge', 'not undone', '3 attempts, 2 compensations', true],
      ['book shipment', 'failed', '1 attempt', true],
    ],
  )
  const [, charge] = view.steps
  assert.deepEqual(
    charge?.attempts.map(({ what, took, condition }) => `${what} ${condition.text} ${took}`),
    [
      'attempt 1 failed, unknown 1.00 s',
      'attempt 2 failed, unknown 1.00 s',
      'attempt 3 done 60.0 ms',
      'compensation 1 failed 16.0 ms',
      'compensation 2 failed 25.0 ms',
    ],
  )
  assert.deepEqual(
    charge?.bars.map(({ look }) => look),
    ['unknown', 'unknown', 'done', 'undo-failed', 'undo-failed'],
  )
  assert.equal(view.condition.text, 'parked')
})

test('one that runs with nothing in hand waits', () => {
  assert.equal(stateOf(trip), 'waiting')
  assert.equal(stateOf({ status: 'running', steps: [] }), 'running')
  assert.equal(sagaView(trip).condition.text, 'waiting')
})

test('a pause of an hour leaves room for what was done in a second', () => {
  const scale = timeScale({
    fromMs: 0,
    toMs: 3_602_000,
    busy: [
      { fromMs: 0, toMs: 1_000 },
      { fromMs: 3_601_000, toMs: 3_602_000 },
    ],
    marks: [0, 1_000, 3_601_000, 3_602_000],
  })
  assert.deepEqual(
    scale.breaks.map(({ ms }) => ms),
    [3_600_000],
  )
  assert.ok(scale.at(1_000) > 0.4 && scale.at(3_601_000) < 0.6, 'what was done takes most of the width')
  assert.equal(scale.at(3_602_000), 1)
})

test('time never runs backwards on the scale, and what was done keeps its measure', () => {
  const stretch = fc.tuple(fc.integer({ min: 0, max: 1_000_000 }), fc.integer({ min: 0, max: 10_000 }))
  fc.assert(
    fc.property(fc.array(stretch, { maxLength: 12 }), (given) => {
      const busy = given.map(([fromMs, ms]) => ({ fromMs, toMs: fromMs + ms }))
      const marks = busy.flatMap(({ fromMs, toMs }) => [fromMs, toMs])
      const toMs = Math.max(0, ...marks)
      const scale = timeScale({ fromMs: 0, toMs, busy, marks })
      const places = marks.toSorted((one, other) => one - other).map((ms) => scale.at(ms))
      for (const [index, place] of places.entries()) {
        assert.ok(place >= 0 && place <= 1, `${place} is within the width`)
        assert.ok(index === 0 || place >= places[index - 1]!, 'in order')
      }
      const measured = busy
        .filter((each) => each.toMs > each.fromMs)
        .map((each) => (scale.at(each.toMs) - scale.at(each.fromMs)) / (each.toMs - each.fromMs))
      for (const measure of measured) assert.ok(Math.abs(measure - measured[0]!) <= 1e-9, 'one measure for all that was done')
    }),
  )
})

test('the graph draws each declared step once, with how it stands; no two boxes lie upon each other', () => {
  const graph = sagaGraph(trip.outline!, trip)
  const node = (name: string) => graph.nodes.find((each) => each.name === name)!
  assert.equal(graph.nodes.length, 10)
  assert.deepEqual(
    [node('book room').count, node('book room').state, node('wrap').state, node('paid').state],
    ['3 of 3', 'done', undefined, 'waiting'],
  )
  assert.deepEqual(
    graph.frames.map(({ label }) => label),
    ['side by side: seats', 'for each of rooms (3 items)', 'when is a gift: no'],
  )
  assert.ok(node('confirm').isPivot)
  assert.ok(node('flight there').x < node('book room').x && node('book room').x < node('confirm').x, 'from left to right')
  assertApart(graph)
})

test('any declaration is drawn without boxes upon each other, within its sheet', () => {
  const leaf = fc.record({
    kind: fc.constantFrom('compensatable', 'pivot', 'wait', 'child'),
    name: fc.string({ minLength: 1, maxLength: 60 }),
    isUndone: fc.boolean(),
    of: fc.constant('x'),
  })
  const { line } = fc.letrec<{ line: DeclaredStep[]; step: DeclaredStep }>((tie) => ({
    line: fc.array(tie('step'), { maxLength: 4 }),
    step: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      leaf as fc.Arbitrary<DeclaredStep>,
      fc.record({
        kind: fc.constantFrom('parallel', 'when', 'for-each'),
        name: fc.string({ maxLength: 30 }),
        isUndone: fc.constant(false),
        lines: fc.array(fc.record({ steps: tie('line') }), { minLength: 1, maxLength: 3 }),
      }) as fc.Arbitrary<DeclaredStep>,
    ),
  }))
  fc.assert(
    fc.property(line, (outline) => {
      const graph = sagaGraph(outline, { id: 'a', steps: [] })
      assertApart(graph)
      for (const { x, y, width, height } of [...graph.nodes, ...graph.frames]) {
        assert.ok(x >= 0 && y >= 0 && x + width <= graph.width && y + height <= graph.height, 'within the sheet')
      }
    }),
    { numRuns: 60 },
  )
})

test('a child that began is led to by its id', () => {
  const outline: DeclaredStep[] = [{ kind: 'child', name: 'insure it', isUndone: true, of: 'insurance 1' }]
  const step = { step: 'insure it', state: 'waiting', attempts: [], result: null } as const
  assert.equal(sagaGraph(outline, { id: 'trip/1', steps: [step] }).nodes[0]?.childId, 'trip/1/insure%20it')
  assert.equal(sagaGraph(outline, { id: 'trip/1', steps: [] }).nodes[0]?.childId, undefined)
})

test('addresses of sagas lead to what they name', () => {
  for (const route of [
    { page: 'sagas', filter: { state: 'parked', saga: 'book a trip', before: '17-a/b' } },
    { page: 'sagas', filter: { state: '', saga: '', before: '' } },
    { page: 'saga', service: 'orders', id: 'order-1/charge%201&x=ä' },
    { page: 'choreography' },
  ] as const)
    assert.deepEqual(parseRoute(new URL(routeUrl(route), 'http://console')), route)
  assert.deepEqual(parseRoute(new URL('http://console/sagas?state=dead')), { page: 'sagas', filter: { state: '', saga: '', before: '' } })
  assert.equal(parseRoute(new URL('http://console/saga?id=1')).page, 'sagas')
})

function assertApart({ nodes }: ReturnType<typeof sagaGraph>): void {
  for (const [index, one] of nodes.entries()) {
    for (const other of nodes.slice(index + 1)) {
      const apart =
        one.x + one.width <= other.x || other.x + other.width <= one.x || one.y + one.height <= other.y || other.y + other.height <= one.y
      assert.ok(apart, `${one.name} and ${other.name} lie upon each other`)
    }
  }
}

test('one that is over and pruned has no steps, and is shown all the same', () => {
  const pruned: SagaDetails = { ...parked, status: 'completed', steps: [], prunedAtMs: 7, input: 'null' }
  const view = sagaView(pruned)
  assert.deepEqual([view.steps, view.isOver, view.scale.breaks.length <= 1], [[], true, true])
})
