import assert from 'node:assert/strict'
import { test } from 'node:test'
import { resilienceView } from '../../web/src/view-model/resilience.ts'
import { strainedServices } from '../resilience-fixture.ts'

test('each guarded call becomes a row with its breaker in a word, its places and its budget', () => {
  const view = resilienceView(strainedServices())
  const row = (call: string) => view.calls.find((one) => one.call === call)!
  assert.deepEqual([view.calls.length, view.open, view.suffering], [4, 1, 2])
  assert.deepEqual([row('inventory').breaker.text, row('inventory').breaker.tone], ['half-open', 'warn'])
  assert.deepEqual([row('payments').breaker.text, row('payments').rejected, row('payments').timedOut], ['open 1.4 s', 87, 12])
  assert.match(row('payments').breaker.title, /11 of the last 20 calls failed; opened 3 times/)
  assert.deepEqual([row('shipping').breaker.text, row('shipping').breaker.tone], ['closed, 20 %', 'warn'])
  assert.deepEqual(row('shipping').places, { running: 32, runningMax: 32, queued: 17, queueMax: 256 })
  assert.deepEqual(row('shipping').budget, { tokens: 3, tokensMax: 100, denied: 2 })
  assert.equal(row('inventory').running, 4)
  assert.equal(row('inventory').policy, '1.00 s an attempt; breaker, open 2.00 s; 32 at once, 256 waiting')
})

test('a service says in words what it suffers, and why it says nothing', () => {
  const { services } = resilienceView(strainedServices())
  assert.deepEqual(
    services.map(({ service, suffers, problem }) => [service, suffers, problem]),
    [
      ['orders', [], undefined],
      ['payments', ['2.00 s late', '50 % errors'], undefined],
      ['storefront', ['stands still'], 'It does not answer.'],
    ],
  )
})
