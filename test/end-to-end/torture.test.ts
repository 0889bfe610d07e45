import assert from 'node:assert/strict'
import { test } from 'node:test'
import { planForShop } from '../torture/shop-plan.ts'
import { torture } from '../torture/torture-run.ts'

const seed = Number(process.env['SEAWORTHY_SEED'] ?? Date.now() % 1_000_000)

test('kills, pauses, bad connections and a full disk leave the books right', async (t) => {
  // Each letter is a new file. A database may find room in its own log for as long as so short a run lasts.
  const plan = planForShop({ seed, durationMs: 22_000, disks: ['notifications'] })
  if (plan.cannotFill !== undefined) t.diagnostic(plan.cannotFill)
  const { violations, faults, orders, settledAfterMs } = await torture({ plan, customers: 10 })
  const counts = [...faults].map(([kind, { planned, seen }]) => `${kind} ${seen} of ${planned}`)
  t.diagnostic(
    `seed ${seed}: ${counts.join(', ')}; ${orders.completed} orders completed, quiet after ${(settledAfterMs / 1_000).toFixed(0)} s`,
  )
  assert.deepEqual(violations, [])
  for (const [kind, { seen }] of faults) assert.ok(seen > 0, `${kind} never happened, so nothing is known about it`)
  assert.ok(orders.completed > 0)
})
