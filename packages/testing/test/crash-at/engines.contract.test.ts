import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSqliteQueue } from 'seaworthy/sqlite'
import { VirtualClock, eventLogContract, inMemoryEventLog, queueContract } from '@seaworthy/testing'
import { startCrashAt } from '@seaworthy/testing/crash-at'

/** Watches for a point that is never reached: an engine with crash points is the engine, until one of them is hit. */
function watching() {
  const directory = mkdtempSync(join(tmpdir(), 'seaworthy-crash-at-'))
  const point = startCrashAt({ indexes: ['orders.fault-point:never#1'], service: 'orders', directory, calleeAt: () => undefined })!
  return {
    directory,
    point,
    stop: () => {
      point.stop()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

eventLogContract('in memory, with crash points', async () => {
  const clock = new VirtualClock()
  const { point, stop } = watching()
  const log = await point.eventLog(async () => inMemoryEventLog({ clock, owns: ['alpha', 'beta'] }))
  return {
    log,
    pass: (ms) => clock.advance(ms),
    nowMs: () => clock.now(),
    dispose: async () => {
      await log.close()
      stop()
    },
  }
})

queueContract('SQLite, with crash points', async () => {
  const clock = new VirtualClock()
  const { directory, point, stop } = watching()
  const path = join(directory, 'queue.db')
  const queue = await point.queue('queue', () => openSqliteQueue({ path, deliveryLimit: 3, dedupeWindowMs: 60_000, clock }))
  return {
    queue,
    pass: (ms) => clock.advance(ms),
    dispose: async () => {
      await queue.close()
      stop()
    },
  }
})
