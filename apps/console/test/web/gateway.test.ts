import assert from 'node:assert/strict'
import { test } from 'node:test'
import { budgetOf, dataOf, differencesOf, routeRows } from '../../web/src/pages/gateway/route-rows.ts'
import { PICTURE, oldUpstreams, trafficPicture } from '../../web/src/pages/gateway/traffic-picture.ts'
import { LONG_ROUTE, halfWay } from '../gateways-fixture.ts'

const NOW_MS = 1_795_438_250_000
const overview = halfWay(NOW_MS).overview!

test('the monolith is what routes move away from and nothing moves to, also when all have moved', () => {
  assert.deepEqual([...oldUpstreams(overview)], ['monolith'])
  assert.deepEqual([...oldUpstreams({ ...overview, routes: [] })], ['monolith'])
  const [entry] = overview.entries
  const onwards = { ...entry!, from: 'reviews', to: 'reviews-2' }
  assert.deepEqual([...oldUpstreams({ routes: overview.routes, entries: [onwards] })], ['monolith'])
})

test('in the picture a slot is as high as all of its requests, a time without any is empty, and decisions stand where they were made', () => {
  const slotMs = 10_000
  const slots = [
    { fromMs: NOW_MS - 40_000, requests: { monolith: 10 } },
    { fromMs: NOW_MS - 20_000, requests: { reviews: 5, monolith: 15 } },
  ]
  const entries = [
    { ...overview.entries.at(-1)!, atMs: NOW_MS - 20_000 },
    { ...overview.entries.at(-1)!, atMs: NOW_MS - 10_000, kind: 'refused' as const },
    { ...overview.entries.at(-1)!, atMs: NOW_MS - 90_000 },
  ]
  const picture = trafficPicture({ ...overview, atMs: NOW_MS, traffic: { slotMs, slots }, entries })!
  assert.deepEqual(
    picture.bands.map(({ name, isOld, path, share }) => [name, isOld, path, share]),
    [
      ['monolith', true, 'M0 100V0H250V100zM500 100V25H750V100z', '75 %'],
      ['reviews', false, 'M500 25V0H750V25z', '25 %'],
    ],
  )
  assert.deepEqual(picture.monolith, { first: '100 %', last: '75 %' })
  assert.deepEqual(
    picture.marks.map(({ x, kind }) => [x, kind]),
    [[PICTURE.width / 2, 'shift']],
  )
  assert.equal(trafficPicture({ ...overview, traffic: { slotMs, slots: [] } }), undefined)
})

test('more upstreams than can be told apart share a band', () => {
  const requests = Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`service-${index}`, 100 - index]))
  const { bands } = trafficPicture({ ...overview, traffic: { slotMs: 1_000, slots: [{ fromMs: NOW_MS, requests }] } })!
  assert.deepEqual([bands.length, bands.at(-1)!.name, bands[0]!.name], [9, 'others', 'service-0'])
})

test('routes that need somebody come first, and what tenants did counts for their route', () => {
  const { rows, still } = routeRows(overview.routes)
  assert.deepEqual(
    rows.map(({ route }) => route.id),
    ['customers', LONG_ROUTE, 'reviews'],
  )
  assert.equal(still.length, 4)
  assert.deepEqual(rows[2]!.requests, { from: 18_204 + 840, to: 9_377 + 1_204 })
})

test('differences, budget and data say how they are by words and a tone', () => {
  const comparison = { compared: 1_000, differing: 0, unanswered: 0, endpointsReady: 1, endpointsLearning: 0, fields: [] }
  const told = (more: Partial<typeof comparison>) => (({ tone, text }) => `${tone} ${text}`)(differencesOf({ ...comparison, ...more }))
  assert.deepEqual(
    [told({}), told({ differing: 5 }), told({ differing: 50 }), told({ unanswered: 40 }), told({ compared: 0, endpointsReady: 0 })],
    ['ok none', 'warn 0.5 %', 'error 5.0 %', 'error 0 %', 'quiet learning'],
  )
  const budget = { errorBudget: 0.01, burnRateMax: 2, requestsMin: 50, windowMs: 30_000 }
  assert.deepEqual(
    [null, 0.5, 1.5, 3].map((burnRate) => budgetOf({ ...budget, burnRate }).tone),
    ['quiet', 'ok', 'warn', 'error'],
  )
  assert.equal(budgetOf(null).text, 'off')
  const data = {
    kind: 'cut-over',
    phase: 'old',
    epoch: 3,
    lag: { changes: 0, ageMs: 0 },
    parked: 0,
    held: 0,
    strays: 0,
    ready: true,
  } as const
  assert.deepEqual(
    [
      dataOf(null),
      dataOf({ kind: 'unknown', why: 'no answer' }),
      dataOf({ kind: 'gate', ready: false, reason: 'lag' }),
      dataOf(data),
      dataOf({ ...data, lag: { changes: 3, ageMs: 40 } }),
      dataOf({ ...data, held: 2 }),
      dataOf({ ...data, parked: 1 }),
      dataOf({ ...data, failure: 'the disk is full' }),
      dataOf({ ...data, ready: false, reason: 'not verified' }),
    ].map(({ tone, text }) => `${tone} ${text}`),
    [
      'quiet none asked',
      'warn not known',
      'warn not ready',
      'ok in step',
      'ok 40.0 ms',
      'warn 2 keys held',
      'error 1 key parked',
      'error feed stopped',
      'warn not ready',
    ],
  )
})
