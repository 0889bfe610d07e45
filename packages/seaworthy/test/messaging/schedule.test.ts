import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, suite, test } from 'node:test'
import { type Lease, type LeaseStore, ConfigurationError, UnavailableError } from 'seaworthy/core'
import { type Queue, type ScheduleOptions, startSchedule } from 'seaworthy/messaging'
import { openSqliteQueue } from 'seaworthy/sqlite'
import { VirtualClock, eventually } from '@seaworthy/testing'
import { testFolder } from '../sqlite/folder.ts'

const MINUTE = 60_000
// VirtualClock begins at midnight, at a tick of every schedule here; this is in the middle of a minute.
const START = Date.UTC(2026, 0, 1, 0, 0, 30)

async function setUp(t: TestContext) {
  const clock = new VirtualClock({ nowMs: START })
  const queue = await openSqliteQueue({ path: join(testFolder(t), 'queue.db'), clock })
  const sent: string[] = []
  /** The queue as the schedules see it. */
  const watched: Queue = Object.assign(Object.create(queue) as Queue, {
    send: async (message: Parameters<Queue['send']>[0]) => {
      sent.push(message.id)
      await queue.send(message)
    },
  })
  let idle = 0
  const start = (options: Partial<ScheduleOptions> = {}) => {
    idle++
    const schedule = startSchedule({ queue: watched, name: 'report', everyMs: MINUTE, catchUpMs: 0, clock, ...options })
    t.after(() => schedule.stop())
    return {
      stop: async () => {
        idle--
        await schedule.stop()
      },
    }
  }
  t.after(() => queue.close())
  /** Lets so much time pass in steps, each once every schedule waits again. */
  const pass = async (ms: number) => {
    for (let leftMs = ms; leftMs > 0; leftMs -= 1_000) {
      await eventually('all schedules wait', () => clock.pending.length >= idle)
      await clock.advance(Math.min(1_000, leftMs))
    }
    await eventually('all schedules wait', () => clock.pending.length >= idle)
  }
  const stored = async () => {
    const deliveries = await queue.receive({ max: 100, leaseMs: 1, waitMs: 0 })
    await Promise.all(deliveries.map((delivery) => delivery.acknowledge()))
    return deliveries.map(({ id, body }) => ({ id, body }))
  }
  return { clock, start, pass, sent, stored, watched }
}

suite('a schedule', () => {
  test('sends a message at every tick, whose id is its time', async (t) => {
    const { start, pass, stored } = await setUp(t)
    start()
    await pass(29_000)
    assert.deepEqual(await stored(), [])
    await pass(1_000)
    const first = Date.UTC(2026, 0, 1, 0, 1)
    assert.deepEqual(await stored(), [{ id: 'report@2026-01-01T00:01:00.000Z', body: { tickMs: first } }])
    await pass(2 * MINUTE)
    assert.deepEqual(
      (await stored()).map(({ id }) => id),
      ['report@2026-01-01T00:02:00.000Z', 'report@2026-01-01T00:03:00.000Z'],
    )
  })

  test('begins at an offset, and says what it is told to', async (t) => {
    const { start, pass, stored } = await setUp(t)
    start({ offsetMs: 40_000, body: (tickMs) => new Date(tickMs).toISOString() })
    await pass(10_000)
    const at = '2026-01-01T00:00:40.000Z'
    assert.deepEqual(await stored(), [{ id: `report@${at}`, body: at }])
  })

  test('in several processes stores a tick once, where the queue remembers ids', async (t) => {
    const { start, pass, sent, stored } = await setUp(t)
    for (let process = 0; process < 3; process++) start()
    await pass(MINUTE)
    assert.equal(sent.length, 3)
    assert.equal((await stored()).length, 1)
  })

  test('sends a tick again until it is stored, under the same id', async (t) => {
    const { start, pass, sent, watched } = await setUp(t)
    let refusals = 3
    const failures: unknown[] = []
    const refusing = Object.assign(Object.create(watched) as Queue, {
      send: async (message: Parameters<Queue['send']>[0]) => {
        if (refusals-- > 0) throw new UnavailableError('not now')
        await watched.send(message)
      },
    })
    start({ queue: refusing, onFailure: (error) => failures.push(error) })
    await pass(MINUTE)
    assert.equal(failures.length, 3)
    assert.deepEqual(sent, ['report@2026-01-01T00:01:00.000Z'])
  })

  test('sends the last tick at its start if that is not long ago, and only the last', async (t) => {
    const { start, pass, sent } = await setUp(t)
    start({ everyMs: 5_000, catchUpMs: 10_000 })
    start({ name: 'daily', everyMs: 24 * 60 * MINUTE, catchUpMs: 31_000 })
    start({ name: 'too late', everyMs: 24 * 60 * MINUTE, catchUpMs: 30_000 })
    await pass(1)
    assert.deepEqual(sent.toSorted(), ['daily@2026-01-01T00:00:00.000Z', 'report@2026-01-01T00:00:30.000Z'])
  })

  test('of ticks that the clock jumped over sends the last, and none again when it is set back', async (t) => {
    const { clock, start, pass, sent } = await setUp(t)
    start()
    await pass(1_000)
    clock.jumpWallClock(10 * MINUTE)
    await pass(30_000)
    assert.deepEqual(sent, ['report@2026-01-01T00:11:00.000Z'])
    clock.jumpWallClock(-5 * MINUTE)
    await pass(2 * MINUTE)
    assert.deepEqual(sent, ['report@2026-01-01T00:11:00.000Z'])
  })

  test('with leases is sent by one process; another takes over when that dies, and misses no tick', async (t) => {
    const { clock, start, pass, sent } = await setUp(t)
    const leases = leasesOn(clock)
    const dying = leasesOn(clock, leases)
    start({ leases: dying, leaseTtlMs: 6_000 })
    await pass(1_000)
    for (let process = 0; process < 2; process++) start({ leases, leaseTtlMs: 6_000 })
    await pass(MINUTE)
    assert.deepEqual(sent, ['report@2026-01-01T00:01:00.000Z'])
    await pass(27_000)
    // Just before the tick: it neither sends nor extends its lease any more.
    dying.die()
    await pass(10_000)
    assert.deepEqual(sent, ['report@2026-01-01T00:01:00.000Z', 'report@2026-01-01T00:02:00.000Z'])
  })

  test('gives its lease back when it is stopped', async (t) => {
    const { clock, start, pass } = await setUp(t)
    const leases = leasesOn(clock)
    const schedule = start({ leases })
    await pass(1_000)
    assert.equal((await leases.held('schedule/')).length, 1)
    await schedule.stop()
    assert.deepEqual(await leases.held('schedule/'), [])
    assert.deepEqual(clock.pending, [])
  })

  test('with settings that make no sense does not start', async (t) => {
    const { start } = await setUp(t)
    for (const options of [{ everyMs: 999 }, { everyMs: 1_000.5 }, { offsetMs: 0.5 }, { leaseTtlMs: 10 }])
      assert.throws(() => start(options), ConfigurationError)
  })
})

type DyingLeases = LeaseStore & { die(): void; readonly rows: Map<string, Lease & { endsAtMs: number }> }

/** Leases in memory, on the test's clock; those of a process that dies are refused from then on. */
function leasesOn(clock: VirtualClock, shared?: DyingLeases): DyingLeases {
  const rows = shared?.rows ?? new Map<string, Lease & { endsAtMs: number }>()
  let dead = false
  const isHeld = (name: string) => (rows.get(name)?.endsAtMs ?? 0) > clock.monotonicMs()
  return {
    rows,
    die: () => (dead = true),
    acquire: async (names, holder, ttlMs) => {
      if (dead) throw new UnavailableError('This process is dead.')
      for (const name of names) {
        const row = rows.get(name)
        if (row !== undefined && isHeld(name) && row.holder !== holder) continue
        rows.set(name, { name, holder, token: (row?.token ?? 0) + 1, endsAtMs: clock.monotonicMs() + ttlMs })
      }
      return names.map((name) => rows.get(name)!).filter((row) => row.holder === holder)
    },
    release: async (leases) => {
      for (const { name } of leases) rows.delete(name)
    },
    held: async (prefix) => [...rows.values()].filter(({ name }) => name.startsWith(prefix) && isHeld(name)),
    fence: async () => true,
  }
}
