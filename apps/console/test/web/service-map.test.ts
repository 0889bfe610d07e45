import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Edge, HistogramBucket } from '../../src/map/edge-window.ts'
import type { Place } from '../../src/map/call-matcher.ts'
import { bucketBoundsMs } from '../../src/system/latency-buckets.ts'
import { mapLayout } from '../../web/src/pages/map/map-layout.ts'
import { placeKind, placeName, shortName } from '../../web/src/view-model/place.ts'
import { WHOLE_MAP } from '../../web/src/pages/map/route.ts'
import { parseRoute, routeUrl } from '../../web/src/pages/registry.ts'
import { edgeViews, histogramBars, isBetweenServices } from '../../web/src/pages/map/service-map.ts'
import { strainedServices } from '../resilience-fixture.ts'

const edge = (caller: Place, callee: Place, more: Partial<Edge> = {}): Edge => ({
  caller,
  callee,
  count: 100,
  errorCount: 0,
  ratePerSecond: 10,
  p50Ms: 1,
  p95Ms: 2,
  p99Ms: 3,
  ...more,
})

test('an edge has its breaker, the worst of the caller’s instances, and is failing when it is open', () => {
  const [open, probing, unguarded] = edgeViews(
    [edge('service:orders', 'service:payments'), edge('service:orders', 'service:inventory'), edge('outside:', 'service:gateway')],
    strainedServices(),
  )
  assert.deepEqual([open!.breaker?.tone, open!.tone], ['error', 'error'])
  assert.match(open!.breaker!.text, /^open/)
  assert.deepEqual([probing!.breaker?.tone, probing!.tone], ['warn', 'warn'])
  assert.deepEqual([unguarded!.breaker, unguarded!.tone, unguarded!.callerName], [undefined, 'quiet', 'Outside'])
  const scaled = strainedServices().map((each) => ({ ...each, service: `${each.service}-2` }))
  assert.match(edgeViews([edge('service:orders', 'service:payments')], scaled)[0]!.breaker!.text, /^open/)
})

test('failures are drawn from a twentieth of the calls on, and told from the first', () => {
  const tones = [0, 1, 5].map((errorCount) => edgeViews([edge('outside:', 'service:a', { errorCount })], [])[0]!)
  assert.deepEqual(
    tones.map(({ tone, errors }) => [tone, errors]),
    [
      ['quiet', undefined],
      ['warn', '1.0 %'],
      ['error', '5.0 %'],
    ],
  )
})

test('the layout has every place once and every pair, calls go from left to right, and figures do not move it', () => {
  const edges = [
    edge('outside:', 'service:gateway'),
    edge('service:gateway', 'service:orders'),
    edge('service:orders', 'database:sqlite orders.sqlite'),
    edge('service:orders', 'topic:orders'),
    edge('topic:orders', 'service:analytics'),
  ]
  const { nodes, edges: placed } = mapLayout(edges)
  assert.deepEqual(nodes.map(({ id }) => id).toSorted(), [...new Set(edges.flatMap(({ caller, callee }) => [caller, callee]))].toSorted())
  const x = (id: string) => nodes.find((node) => node.id === id)!.x
  for (const { caller, callee } of edges) assert.ok(x(caller) < x(callee), `${caller} stands left of ${callee}`)
  assert.equal(placed.length, edges.length)
  for (const { path } of placed) assert.match(path, /^M[\d. -]+(?: [QL][\d. -]+)+$/)
  assert.deepEqual(mapLayout(edges.toReversed().map((each) => ({ ...each, count: 7 }))), mapLayout(edges))
  assert.deepEqual(mapLayout([]).nodes, [])
})

test('services that call each other, and one that calls itself by a queue, have a place too', () => {
  const { edges } = mapLayout([edge('service:a', 'service:b'), edge('service:b', 'service:a'), edge('topic:a', 'topic:a')])
  assert.equal(edges.length, 3)
})

test('databases and topics can be left out, and names are read from places', () => {
  assert.equal(isBetweenServices(edge('service:a', 'database:x')), false)
  assert.equal(isBetweenServices(edge('topic:a', 'service:b')), false)
  assert.equal(isBetweenServices(edge('service:a', 'external:bank.example:443')), true)
  assert.deepEqual([placeKind('external:bank.example:443'), placeName('external:bank.example:443')], ['external', 'bank.example:443'])
  assert.equal(shortName('a'.repeat(40)).length, 26)
})

test('the bars hold every call, and each with calls has a trace to open', () => {
  const bucket = fc.record({ number: fc.nat({ max: 200 }), count: fc.integer({ min: 1, max: 1_000 }), isError: fc.boolean() })
  fc.assert(
    fc.property(fc.uniqueArray(bucket, { selector: ({ number }) => number, minLength: 1 }), (given) => {
      const buckets = given
        .toSorted((one, other) => one.number - other.number)
        .map(({ number, count, isError }): HistogramBucket => {
          const [fromMs, toMs] = bucketBoundsMs(number, 8)
          const exemplar = { traceId: String(number), spanId: '1', durationMs: toMs, endMs: 1, isError }
          return { fromMs, toMs, count, errorCount: isError ? 1 : 0, exemplar }
        })
      const bars = histogramBars(buckets)
      const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
      assert.equal(sum(bars.map(({ count }) => count)), sum(buckets.map(({ count }) => count)))
      assert.equal(sum(bars.map(({ errorCount }) => errorCount)), sum(buckets.map(({ errorCount }) => errorCount)))
      assert.ok(bars.length <= 38, `${bars.length} bars`)
      for (const { count, exemplar, errorCount, height } of bars) {
        assert.equal(exemplar !== undefined, count > 0)
        if (errorCount > 0) assert.equal(exemplar!.isError, true)
        assert.ok(height >= 0 && height <= 1)
      }
    }),
  )
})

test('the address of the map says what it shows, and reads back', () => {
  const views = [
    WHOLE_MAP,
    { minutes: 60, showsStores: false, edge: { caller: 'service:orders', callee: 'database:sqlite orders & more.sqlite' } },
  ] as const
  for (const view of views) {
    const { pathname, search } = new URL(routeUrl({ page: 'map', view }), 'http://127.0.0.1')
    assert.deepEqual(parseRoute({ pathname, search }), { page: 'map', view })
  }
})
