import assert from 'node:assert/strict'
import { test } from 'node:test'
import { policy, type PolicyDeclaration } from 'seaworthy/resilience'
import { supervised } from './supervised.ts'

const guarded = (name: string, declaration: PolicyDeclaration) => {
  const guard = policy(declaration, { name })
  return { guard, told: () => ({ call: name, declaration, snapshot: guard.snapshot() }) }
}

test('the calls of a service are listed with their breakers, and what was turned away', async (t) => {
  const payments = guarded('payments', { circuitBreaker: { consecutiveFailures: 1, openMs: 60_000 } })
  const stock = guarded('inventory', { timeout: { attemptMs: 100 } })
  const { run } = await supervised(t, { resilience: () => ({ calls: [payments.told(), stock.told()] }) })
  for (let call = 0; call < 3; call++) await payments.guard.run(() => Promise.reject(new Error('down'))).catch(() => undefined)
  await stock.guard.run(async () => 7)
  const { code, lines } = await run('breakers', 'orders')
  assert.equal(code, 0)
  assert.deepEqual(
    lines.map((line) => line.trim().split(/ {2,}/)),
    [
      ['CALLS FOR', 'BREAKER', 'SUCCEEDED', 'FAILED', 'RETRIES', 'TURNED AWAY'],
      ['payments', 'open', '0', '3', '0', '2'],
      ['inventory', 'none', '1', '0', '0', '0'],
    ],
  )
  const json = await run('breakers', 'orders', '--json')
  assert.equal((JSON.parse(json.lines.join('\n')) as { call: string }[])[0]!.call, 'payments')
})

test('a service that guards nothing says so', async (t) => {
  const { run } = await supervised(t, { resilience: () => ({ calls: [] }) })
  assert.deepEqual(await run('breakers', 'inventory'), { code: 0, lines: ['inventory guards no calls.'] })
})
