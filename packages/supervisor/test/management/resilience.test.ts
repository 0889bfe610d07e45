import assert from 'node:assert/strict'
import { test } from 'node:test'
import { resilienceAnswers } from '@seaworthy/supervisor/management'
import { policy } from 'seaworthy/resilience'

test('a process says how the policy of each of its calls stands, in JSON', async () => {
  const inventory = policy(
    { bulkhead: { concurrencyMax: 2, queueMax: 0 }, circuitBreaker: { consecutiveFailures: 1, openMs: 60_000 } },
    { name: 'inventory' },
  )
  const policies = [inventory]
  const answers = resilienceAnswers(policies)
  await assert.rejects(inventory.run(() => Promise.reject(new Error('broken'))))
  policies.push(policy({ timeout: { totalMs: 5 } }, { name: 'monolith/reviews' }))
  const { calls } = JSON.parse(JSON.stringify(await answers.resilience({}, undefined))) as {
    calls: { call: string; declaration: object; snapshot: { failed: number; circuitBreaker?: { state: string } } }[]
  }
  assert.deepEqual(
    calls.map(({ call }) => call),
    ['inventory', 'monolith/reviews'],
  )
  assert.deepEqual([calls[0]!.snapshot.failed, calls[0]!.snapshot.circuitBreaker?.state], [1, 'open'])
  assert.deepEqual(calls[1]!.declaration, { timeout: { totalMs: 5 } })
})
