import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ShadowingReport } from '@seaworthy/strangler/compare'
import { eventually } from '@seaworthy/testing'
import { ask, upstream, valuesOf } from '../rig.ts'
import { fileOf, stranglerWith, temporaryFolder } from './rig.ts'

const verdicts = { learning: 0, equal: 0, differs: 0, transient: 0, unsettled: 0, unconfirmed: 0, unanswered: 0, omitted: 0 }
const difference = (field: string, answers: number) => ({
  field,
  kind: 'value',
  answers,
  values: answers,
  explanations: [],
  first: [],
  last: [],
})

/** What a comparison has found: two endpoints, of which one is known well enough. */
const report = {
  endpoints: [
    {
      endpoint: 'GET /a',
      isReady: true,
      verdicts: { ...verdicts, equal: 90, differs: 10, unanswered: 2 },
      differences: [difference('body.few', 2)],
    },
    { endpoint: 'GET /b', isReady: false, verdicts: { ...verdicts, equal: 5, transient: 1 }, differences: [difference('body.many', 8)] },
  ],
} as unknown as ShadowingReport

const CUT_OVER = {
  phase: 'old',
  epoch: 3,
  lag: { changes: 4, ageMs: 120 },
  parked: [{ key: 'k' }],
  held: [],
  strays: [],
  readiness: { ready: false, reason: 'key k cannot be brought over' },
}

describe('what a gateway tells of its routes', () => {
  test('has shares, both sides, error budget, comparison, data and traffic; a decision keeps what was known then', async (t) => {
    const saying = (status: number) =>
      upstream(t, (request, response) => void request.resume().on('end', () => response.writeHead(status).end()))
    const [monolith, reviews] = [await saying(200), await saying(500)]
    const data = await upstream(t, (request, response) => {
      request.resume()
      const { pathname, searchParams } = new URL(request.url!, 'http://data')
      const said: Readonly<Record<string, object>> = {
        '/token': { token: 'some.1' },
        '/route': { phase: 'old', settled: true, read: searchParams.get('wish') },
      }
      response.end(JSON.stringify(said[pathname] ?? CUT_OVER))
    })
    const file = fileOf(temporaryFolder(t), {
      monolith: monolith.url,
      reviews: reviews.url,
      routes: [
        {
          id: 'reviews',
          match: { path: '/reviews/*', methods: ['GET'] },
          from: 'monolith',
          to: 'reviews',
          stickyBy: { header: 'x-user' },
          data: { url: `${data.url.origin}/ready`, move: `${data.url.origin}/` },
        },
        { id: 'rest', match: { path: '/*' }, from: 'monolith' },
      ],
    })
    const { gateway, port } = await stranglerWith(t, file, {
      gateOf: () => ({ readiness: async () => ({ ready: true }) }),
      comparisons: async () => ({ reviews: report }),
      dataToken: 'shown to the data',
    })
    for (const path of ['/other', '/other', '/reviews/1']) await ask(port, { path })
    await gateway.shift({ route: 'reviews', percent: 50, who: 'ada', why: 'half' })
    let asked = 3
    const askAsUsers = () => {
      asked += 20
      return Promise.all(Array.from({ length: 20 }, (_, user) => ask(port, { path: '/reviews/1', headers: { 'x-user': `user-${user}` } })))
    }
    // Until the new side has what was written before, everybody stays on the old one.
    await eventually('somebody is led to the new side', async () => (await askAsUsers()).some(({ status }) => status === 500))

    const { routes, traffic, entries } = await gateway.overview()
    const [moving, rest] = routes
    assert.equal(moving!.sharePercent, 50)
    const failed = moving!.lately.to.errors
    assert.ok(failed > 0 && failed === moving!.lately.to.requests)
    assert.deepEqual(moving!.budget, { errorBudget: 0.01, burnRate: 100, burnRateMax: 2, requestsMin: 50, windowMs: 30_000 })
    assert.deepEqual(moving!.comparison, {
      compared: 106,
      differing: 10,
      unanswered: 2,
      endpointsReady: 1,
      endpointsLearning: 1,
      fields: [
        { endpoint: 'GET /b', field: 'body.many', kind: 'value', answers: 8, explanations: [] },
        { endpoint: 'GET /a', field: 'body.few', kind: 'value', answers: 2, explanations: [] },
      ],
    })
    assert.deepEqual(moving!.data, {
      kind: 'cut-over',
      phase: 'old',
      epoch: 3,
      lag: { changes: 4, ageMs: 120 },
      parked: 1,
      held: 0,
      strays: 0,
      failure: undefined,
      ready: false,
      reason: 'key k cannot be brought over',
    })
    assert.ok(
      data.received.some(({ url }) => url === '/status') &&
        data.received.every(({ rawHeaders }) => valuesOf(rawHeaders, 'authorization')[0] === 'Bearer shown to the data'),
    )
    assert.deepEqual([rest!.budget, rest!.comparison, rest!.data, rest!.to], [null, null, null, undefined])
    const requests = traffic.slots.reduce((sum, slot) => sum + (slot.requests['reviews'] ?? 0) + (slot.requests['monolith'] ?? 0), 0)
    assert.equal(requests, asked)

    // The first says that reviews begins to follow the monolith.
    const entry = entries.at(-1)
    assert.deepEqual([entry!.from, entry!.to, entry!.toPercent], ['monolith', 'reviews', 50])
    assert.deepEqual(entry!.evidence?.comparison, { compared: 106, differing: 10, unanswered: 2 })
    assert.deepEqual(entry!.evidence?.data, { epoch: 3, lag: { changes: 4, ageMs: 120 } })
    assert.equal(entry!.evidence?.lately.from.requests, 1)
  })

  test('is told in time, whoever does not answer; what is not known is said to be so', async (t) => {
    const monolith = await upstream(t, (_request, response) => response.end())
    const silent = await upstream(t, () => {})
    const file = fileOf(temporaryFolder(t), {
      monolith: monolith.url,
      reviews: monolith.url,
      routes: [
        {
          id: 'reviews',
          match: { path: '/*' },
          from: 'monolith',
          to: 'reviews',
          guard: false,
          data: { url: silent.url.origin, move: silent.url.origin },
        },
      ],
    })
    const { gateway } = await stranglerWith(t, file, {
      gateOf: () => ({ readiness: async () => ({ ready: true }) }),
      comparisons: (signal) => new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
    })
    const [route] = (await gateway.overview()).routes
    assert.deepEqual([route!.comparison, route!.budget, route!.data?.kind], [null, null, 'unknown'])
    assert.equal((await gateway.shift({ route: 'reviews', percent: 1, who: 'ada', why: 'it is moved all the same' })).toPercent, 1)
  })
})
