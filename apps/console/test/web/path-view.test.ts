import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readTrace } from '../../src/otlp/read-trace.ts'
import { pathView } from '../../web/src/view-model/path-view.ts'
import { buildTree } from '../../web/src/view-model/trace-tree.ts'
import { span } from './span-fixture.ts'

test('the path has each service’s part of the time until the answer, and leaves out what ran beside it or behind it', () => {
  const path = pathView(
    buildTree([
      span('checkout', undefined, 0, 100),
      span('reserve', 'checkout', 10, 90, { service: 'inventory' }),
      span('lock', 'reserve', 20, 80, { service: 'inventory' }),
      span('prices', 'checkout', 10, 40, { service: 'catalog' }),
      span('mail', 'checkout', 50, 400, { service: 'notifications', kind: 'consumer' }),
    ]),
  )!
  assert.deepEqual(
    path.services.map(({ name, ratio }) => [name, ratio]),
    [
      ['inventory', 0.8],
      ['orders', 0.2],
    ],
  )
  assert.deepEqual(path.spans[0], { spanId: 'lock', us: 60_000 })
  assert.deepEqual([...path.stretches.keys()].toSorted(), ['checkout', 'lock', 'reserve'])
  assert.deepEqual(path.stretches.get('checkout'), [
    { startUs: 0, endUs: 10_000 },
    { startUs: 90_000, endUs: 100_000 },
  ])
})

test('a trace without spans has none, and one whose parents are all missing that of its first', () => {
  assert.equal(pathView([]), undefined)
  assert.equal(pathView(buildTree([span('a', 'gone', 0, 5), span('b', 'gone', 7, 9)]))?.spans[0]?.spanId, 'a')
})

test('a span of no length has no part of it', () => {
  assert.deepEqual(pathView(buildTree([span('a', undefined, 0, 0)]))?.services, [])
})

test('what a relay sends later on from the outbox is not waited for', () => {
  const span = (
    spanId: string,
    parentSpanId: string | undefined,
    kind: number,
    [fromMs, toMs]: readonly [number, number],
    waitMs?: number,
  ) => ({
    traceId: 'f'.repeat(32),
    spanId,
    ...(parentSpanId !== undefined && { parentSpanId }),
    name: spanId,
    kind,
    startTimeUnixNano: `${fromMs}000000`,
    endTimeUnixNano: `${toMs}000000`,
    attributes: waitMs === undefined ? [] : [{ key: 'seaworthy.outbox.wait_ms', value: { doubleValue: waitMs } }],
  })
  const spans = [
    span('charge', undefined, 2, [10, 110]),
    span('commit', 'charge', 3, [20, 80]),
    span('publish', 'charge', 4, [60, 105], 30),
  ]
  const trace = readTrace({ resourceSpans: [{ scopeSpans: [{ spans }] }] })!
  assert.deepEqual([...pathView(buildTree(trace.spans))!.stretches.keys()], ['charge', 'commit'])
})
