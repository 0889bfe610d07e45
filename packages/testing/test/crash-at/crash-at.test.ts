import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { suite, test, type TestContext } from 'node:test'
import { ConfigurationError, type Database, faultPoint, newId, observed, systemClock } from 'seaworthy/core'
import type { EventEnvelope } from 'seaworthy/messaging'
import { openSqliteDatabase, openSqliteEventLog, openSqliteQueue } from 'seaworthy/sqlite'
import { inMemoryEventLog } from '@seaworthy/testing'
import { type CrashPoints, startCrashAt } from '@seaworthy/testing/crash-at'

const EVENT: EventEnvelope = {
  id: 'e1',
  type: 'order.placed',
  version: 1,
  source: 'orders',
  key: 'o1',
  sequence: 1,
  time: '2026-01-01T00:00:00.000Z',
  correlationId: 'c',
  data: {},
}

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'seaworthy-crash-at-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** Orders, with inventory on port 7,001. */
const inventory = (t: TestContext) => ({
  service: 'orders',
  directory: folder(t),
  calleeAt: (port: number) => (port === 7_001 ? 'inventory' : undefined),
})

/** A process that throws where it would have died. */
class Died extends Error {}

function start(t: TestContext, index: string, directory = folder(t)): CrashPoints {
  const point = startCrashAt({
    ...inventory(t),
    indexes: [index],
    directory,
    die: () => {
      throw new Died(index)
    },
  })
  assert.ok(point !== undefined)
  t.after(() => point.stop())
  return point
}

async function openTable(t: TestContext): Promise<{ readonly database: Database; readonly stored: () => number }> {
  const path = join(folder(t), 'orders.db')
  const database = await openSqliteDatabase({ path, durability: 'process-crash' })
  t.after(() => database.close())
  await database.atomically([{ sql: 'CREATE TABLE item (id INTEGER)' }])
  // What another process would see at this moment.
  const other = new DatabaseSync(path, { readOnly: true, open: false })
  return {
    database,
    stored() {
      other.open()
      try {
        return other.prepare('SELECT id FROM item').all().length
      } finally {
        other.close()
      }
    },
  }
}

const insert = { sql: 'INSERT INTO item VALUES (1)' }

suite('crashing at a point', () => {
  test('dies at the n-th time, counts across restarts, and not again', async (t) => {
    const directory = folder(t)
    const first = start(t, 'orders.fault-point:between-two-writes#3', directory)
    void faultPoint('between two writes')
    void faultPoint('elsewhere')
    void faultPoint('between two writes')
    first.stop()
    const second = start(t, 'orders.fault-point:between-two-writes#3', directory)
    assert.throws(() => faultPoint('between two writes'), Died)
    second.stop()
    start(t, 'orders.fault-point:between-two-writes#3', directory)
    void faultPoint('between two writes')
  })

  test('before a commit nothing is stored, after it everything is', async (t) => {
    for (const [label, expected] of [
      ['before', 0],
      ['after', 1],
    ] as const) {
      const { database, stored } = await openTable(t)
      const seen: number[] = []
      const indexes = [`orders.database:commit:${label}#1`]
      const point = startCrashAt({ ...inventory(t), indexes, die: () => seen.push(stored()) })
      await database.atomically([insert])
      point?.stop()
      assert.deepEqual(seen, [expected])
    }
  })

  test('the next time that a life comes to a point is counted in that life alone', async (t) => {
    const { database } = await openTable(t)
    let died = 0
    for (const life of [1, 2]) {
      const point = startCrashAt({ ...inventory(t), indexes: ['orders.database:commit:after#next'], die: () => died++ })
      await database.atomically([insert])
      point?.stop()
      assert.equal(died, life)
    }
  })

  test('another service goes on, and what is no point is refused', (t) => {
    const options = inventory(t)
    assert.equal(startCrashAt({ ...options, service: 'payments', indexes: ['orders.database:commit:before#1'] }), undefined)
    for (const index of ['orders', 'orders.database:commit:before', 'orders.database:commit:before#0', 'database:commit#1'])
      assert.throws(() => startCrashAt({ ...options, indexes: [index] }), ConfigurationError)
  })

  test('commits of an embedded log and queue are not those of the service', async (t) => {
    const { database } = await openTable(t)
    let died = 0
    const point = startCrashAt({ ...inventory(t), indexes: ['orders.database:commit:after#1'], die: () => died++ })!
    t.after(() => point.stop())
    const log = await point.eventLog(() => openSqliteEventLog({ directory: folder(t), owns: ['orders'], durability: 'process-crash' }))
    t.after(() => log.close())
    const queue = await point.queue('letters', () => openSqliteQueue({ path: join(folder(t), 'letters.db'), durability: 'process-crash' }))
    t.after(() => queue.close())
    await log.append('orders', [EVENT])
    await queue.send({ id: 'm1', body: {}, context: { correlationId: 'c' } })
    assert.equal(died, 0)
    await database.atomically([insert])
    assert.equal(died, 1)
  })

  test('hits an append before it is stored, and after', async (t) => {
    for (const [label, stored] of [
      ['before', 0],
      ['after', 1],
    ] as const) {
      const inner = inMemoryEventLog()
      const log = await start(t, `orders.event-log:append:${label}#1`).eventLog(async () => inner)
      await assert.rejects(log.append('orders', [EVENT]), Died)
      const [topic] = await inner.topics()
      assert.equal(topic?.records ?? 0, stored)
    }
  })

  test('hits each operation of a queue', async (t) => {
    for (const label of ['send:before', 'send:after', 'receive', 'acknowledge:before', 'acknowledge:after']) {
      const path = join(folder(t), 'letters.db')
      const queue = await start(t, `orders.queue:letters:${label}#1`).queue('letters', () =>
        openSqliteQueue({ path, durability: 'process-crash' }),
      )
      t.after(() => queue.close())
      const work = async () => {
        await queue.send({ id: 'm1', body: {}, context: { correlationId: 'c' } })
        const [delivery] = await queue.receive({ max: 1, leaseMs: 60_000, waitMs: 0 })
        await delivery!.acknowledge()
      }
      await assert.rejects(work(), Died, label)
    }
  })

  test('hits a call where it leaves, and the answer where it does', async (t) => {
    const call = (method: string) =>
      observed('grpc.client').run(
        () => ({ name: method, kind: 'client', attributes: { 'rpc.method': method, 'server.port': 7_001 } }),
        async () => 'sent',
      )
    const seen: string[] = []
    const point = startCrashAt({
      ...inventory(t),
      indexes: ['orders.transport:inventory.reserve:request#2'],
      die: () => seen.push('died'),
    })!
    t.after(() => point.stop())
    await call('shop.inventory.v1.Inventory/Release')
    await call('shop.inventory.v1.Inventory/Reserve')
    assert.deepEqual(seen, [])
    await call('shop.inventory.v1.Inventory/Reserve')
    assert.deepEqual(seen, ['died'])
    point.stop()

    let done = 0
    const { reserve } = start(t, 'orders.transport:reserve:reply#1').handlers({ reserve: async () => ++done })
    await assert.rejects(reserve(), Died)
    assert.equal(done, 1)
  })

  test('leaves time, randomness and ids as they are', async (t) => {
    start(t, 'orders.database:commit:before#9')
    assert.ok(Math.abs(systemClock.now() - Date.now()) < 1_000)
    assert.notEqual(newId(), newId())
    const firedAt = await new Promise<number>((resolve) => {
      const startedMs = systemClock.monotonicMs()
      systemClock.timer(5, () => resolve(systemClock.monotonicMs() - startedMs))
    })
    assert.ok(firedAt >= 4)
  })
})
