import assert from 'node:assert/strict'
import { type TestContext, suite, test } from 'node:test'
import { type Queue, type ScheduleOptions, startSchedule } from 'seaworthy/messaging'
import { leaseStoreSchema, migrate, openPostgresQueue, postgresLeaseStore, queueSchema } from '@seaworthy/postgres'
import { eventually } from '@seaworthy/testing'
import { databaseForTest } from './server.ts'

const TICKS = 3

suite('a schedule that several processes run on PostgreSQL', () => {
  test('stores each tick once: the queue remembers its id', async (t) => {
    const { sends, stored } = await run(t, { dedupeWindowMs: 60_000, withLeases: false })
    assert.deepEqual(stored, [...new Set(stored)])
    assert.ok(sends > stored.length, 'several processes sent the same tick')
  })

  test('sends each tick once: one of them has the lease', async (t) => {
    // Long enough that a busy machine does not lose it.
    const { sends, stored } = await run(t, { dedupeWindowMs: 0, withLeases: true, leaseTtlMs: 60_000 })
    assert.deepEqual(stored, [...new Set(stored)])
    assert.equal(sends, stored.length)
  })
})

async function run(
  t: TestContext,
  { dedupeWindowMs, withLeases, ...options }: { dedupeWindowMs: number; withLeases: boolean } & Partial<ScheduleOptions>,
): Promise<{ sends: number; stored: readonly string[] }> {
  const { database, openAnother, dispose } = await databaseForTest()
  t.after(dispose)
  await migrate(database, [queueSchema, leaseStoreSchema])
  let sends = 0
  const schedules = []
  const queues: Queue[] = []
  for (let process = 0; process < 3; process++) {
    const own = await openAnother()
    const queue = openPostgresQueue(own, { name: 'jobs', dedupeWindowMs })
    queues.push(queue)
    const counted: Queue = Object.assign(Object.create(queue) as Queue, {
      send: async (message: Parameters<Queue['send']>[0]) => {
        await queue.send(message)
        sends++
      },
    })
    const leases = withLeases ? { leases: postgresLeaseStore(own) } : {}
    schedules.push(startSchedule({ queue: counted, name: 'tick', everyMs: 1_000, ...leases, ...options }))
  }
  const stored: string[] = []
  await eventually(
    `${TICKS} ticks came`,
    async () => {
      const deliveries = await queues[0]!.receive({ max: 10, leaseMs: 60_000, waitMs: 1_000 })
      for (const delivery of deliveries) {
        stored.push(delivery.id)
        await delivery.acknowledge()
      }
      return stored.length >= TICKS
    },
    { withinMs: 60_000 },
  )
  await Promise.all(schedules.map((schedule) => schedule.stop()))
  const rest = await queues[0]!.receive({ max: 100, leaseMs: 60_000, waitMs: 0 })
  for (const delivery of rest) {
    stored.push(delivery.id)
    await delivery.acknowledge()
  }
  await Promise.all(queues.map((queue) => queue.close()))
  return { sends, stored }
}
