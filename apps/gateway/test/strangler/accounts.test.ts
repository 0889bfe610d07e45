import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import type { RequestEnd } from '@seaworthy/http-proxy'
import { seededRandom } from 'seaworthy/core'
import { VirtualClock } from '@seaworthy/testing'
import { Accounts } from '../../src/strangler/accounts.ts'
import { Ledger } from '../../src/strangler/ledger.ts'
import { MovingRoute, RouteState } from '../../src/strangler/moving-route.ts'
import { routable, temporaryFolder } from './rig.ts'

async function accountsOf(t: TestContext) {
  const ledger = await Ledger.open(temporaryFolder(t))
  t.after(() => ledger.close())
  const upstream = (name: string) => ({ name, forwarding: () => assert.fail('nothing is sent here') })
  const route = new MovingRoute({
    declaration: { id: 'reviews', match: { path: '/*' }, from: 'monolith', to: 'reviews' },
    state: new RouteState({ requestsMin: 10 }, 100),
    upstreams: { from: upstream('monolith'), to: upstream('reviews') },
    bodyBytesMax: { from: undefined, to: undefined },
    random: seededRandom(1),
  })
  const accounts = new Accounts(ledger, new VirtualClock())
  const end = (outcome: RequestEnd['outcome'], times: Pick<RequestEnd, 'answerMs' | 'durationMs'>, status?: number) =>
    accounts.record({
      method: 'GET',
      target: '/',
      correlationId: 'c-1',
      clientAddress: '192.0.2.1',
      destination: route.destinationOf(routable('GET', '/')),
      status,
      error: undefined,
      outcome,
      ...times,
    })
  return { accounts, route, end }
}

describe('what counts as a failure of a side', () => {
  for (const [what, outcome, times, status, errors, requests] of [
    ['an answer', 'answered', { answerMs: 5, durationMs: 6 }, 404, 0, 1],
    ['a failed one', 'answered', { answerMs: 5, durationMs: 6 }, 500, 1, 1],
    ['a broken one', 'broken', { answerMs: 5, durationMs: 6 }, undefined, 1, 1],
    ['a WebSocket', 'switched', { answerMs: 5, durationMs: 6 }, 101, 0, 1],
    ['a client that leaves at once', 'left', { answerMs: undefined, durationMs: 900 }, undefined, 0, 0],
    ['a client that leaves in the middle of its answer', 'left', { answerMs: 5, durationMs: 9_000 }, undefined, 0, 0],
    ['a client that waited in vain', 'left', { answerMs: undefined, durationMs: 3_000 }, undefined, 1, 1],
  ] as const) {
    test(`${what}: ${errors === 1 ? 'yes' : requests === 1 ? 'no' : 'it says nothing'}`, async (t) => {
      const { accounts, end } = await accountsOf(t)
      end(outcome, times, status)
      const counts = accounts.countsOf('reviews', undefined)
      assert.deepEqual([counts?.requests.to ?? 0, counts?.errors.to ?? 0], [requests, errors])
    })
  }

  test('not a client that leaves sooner than the old side answers', async (t) => {
    const { accounts, route, end } = await accountsOf(t)
    route.state.baseline = { requests: 100, errors: 0, p95Ms: 4_000 }
    end('left', { answerMs: undefined, durationMs: 3_000 })
    assert.equal(accounts.countsOf('reviews', undefined), undefined)
  })

  test('a side that hangs until its clients leave is one to go back from', async (t) => {
    const { accounts, route, end } = await accountsOf(t)
    for (let client = 0; client < 20; client++) end('left', { answerMs: undefined, durationMs: 2_000 })
    assert.match(accounts.verdictOf(route) ?? '', /100 % of 20 requests failed/)
  })
})
