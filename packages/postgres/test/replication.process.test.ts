import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { type AddressInfo, type Socket, connect as connectTo, createServer } from 'node:net'
import { type TestContext, after, before, suite, test } from 'node:test'
import { Client } from 'pg'
import { outbox, startRelay } from 'seaworthy/outbox'
import type { EventEnvelope } from 'seaworthy/messaging'
import {
  ReplicationSlotError,
  type ReplicationWakeUp,
  type WakeUpLost,
  createOutboxReplication,
  dropOutboxReplication,
  migrate,
  openPostgresDatabase,
  outboxStoreSchema,
  postgresOutboxStore,
  startReplicationWakeUp,
} from '@seaworthy/postgres'
import { eventually, inMemoryEventLog } from '@seaworthy/testing'
import { type PostgresServer, startPostgres } from '../../../test/servers/embedded-postgres.ts'

const WITHIN = { withinMs: 60_000 }
const HOUR_MS = 3_600_000

let server: PostgresServer
before(async () => void (server = await startPostgres({ settings: { wal_level: 'logical' } })))
after(() => server.stop())

let made = 0
function event(key: string): EventEnvelope {
  const time = '2026-01-01T00:00:00Z'
  return { id: `e${++made}`, type: 'counted', version: 1, source: 'orders', key, sequence: 0, time, correlationId: 'c', data: {} }
}

/** An outbox in a database of its own, whose slot has the database's name. */
async function open(t: TestContext, { url, slot = `slot_${++made}` }: { url?: string; slot?: string } = {}) {
  const own = url ?? (await server.createDatabase()).url
  const database = await openPostgresDatabase({ connection: own, queryTimeoutMs: 60_000 })
  const observer = new Client({ connectionString: own })
  observer.on('error', () => undefined)
  await observer.connect()
  t.after(async () => {
    await observer.end().catch(() => undefined)
    await database.close()
  })
  await migrate(database, [outboxStoreSchema])
  const start = (): ReplicationWakeUp => {
    const wakeUp = startReplicationWakeUp({ database, connection: own, slot, lookAgainMs: 20 })
    t.after(() => wakeUp.stop())
    return wakeUp
  }
  const slotRow = async () => {
    const sql = `SELECT active_pid, wal_status, confirmed_flush_lsn >= $2::pg_lsn AS reached FROM pg_replication_slots WHERE slot_name = $1`
    const { rows: lsns } = await observer.query<{ lsn: string }>('SELECT pg_current_wal_insert_lsn()::text AS lsn')
    return async () =>
      (await observer.query<{ active_pid: number | null; wal_status: string; reached: boolean }>(sql, [slot, lsns[0]!.lsn])).rows[0]
  }
  return { url: own, slot, database, observer, start, slotRow }
}

function relayOf(t: TestContext, wakeUp: ReplicationWakeUp, database: Awaited<ReturnType<typeof open>>['database'], pollMs = HOUR_MS) {
  const store = postgresOutboxStore(database, { wakeUp })
  const log = inMemoryEventLog()
  const relay = startRelay({ store, log, pollMs })
  t.after(() => relay.stop())
  return { events: outbox({ store }), sent: () => log.partitions('orders').flat().length }
}

function heard<Message>(t: TestContext, channel: string): readonly Message[] {
  const messages: Message[] = []
  const listener = (message: unknown) => void messages.push(message as Message)
  subscribe(channel, listener)
  t.after(() => unsubscribe(channel, listener))
  return messages
}

const streaming = (wakeUp: ReplicationWakeUp) => eventually('it streams', () => wakeUp.status().kind === 'streaming', WITHIN)
const ADD = `SELECT seaworthy_outbox_add('orders', 'a', 'counted', 1, '{}')`

suite('logical replication', () => {
  test('wakes the relay at each commit of any program, and not at a rollback', async (t) => {
    const { database, observer, start, slot } = await open(t)
    await createOutboxReplication(database, { slot })
    const wakeUp = start()
    const woken: string[] = []
    wakeUp.onAdded((topic) => woken.push(topic))
    const { sent, events } = relayOf(t, wakeUp, database)
    await streaming(wakeUp)
    await observer.query('BEGIN')
    await observer.query(ADD)
    await observer.query(`SELECT seaworthy_outbox_add('back\\slash', 'a', 'counted', 1, '{}')`)
    await observer.query(ADD)
    await observer.query('COMMIT')
    await eventually('both are sent', () => sent() === 2, WITHIN)
    assert.deepEqual(woken, ['orders', String.raw`back\slash`])
    await observer.query('BEGIN')
    await observer.query(ADD)
    await observer.query('ROLLBACK')
    await database.transaction((tx) => events.add(tx, event('b')))
    await eventually('the third is sent', () => sent() === 3, WITHIN)
    // What a commit after the rollback brings comes after whatever the rollback would have brought.
    await observer.query(`SELECT seaworthy_outbox_add('last', 'a', 'counted', 1, '{}')`)
    await eventually('the last is told', () => woken.includes('last'), WITHIN)
    assert.deepEqual(woken, ['orders', String.raw`back\slash`, 'orders', 'last'])
  })

  test('acknowledges at once, so that the slot holds no log back, not even that of other tables', async (t) => {
    const { database, observer, start, slot, slotRow } = await open(t)
    await createOutboxReplication(database, { slot })
    const wakeUp = start()
    await streaming(wakeUp)
    await observer.query(ADD)
    const afterCommit = await slotRow()
    await eventually('the slot has the commit', async () => (await afterCommit())?.reached === true, WITHIN)
    await observer.query('CREATE TABLE elsewhere AS SELECT generate_series(1, 10000) AS n')
    const afterOthers = await slotRow()
    await eventually('the slot has what others wrote', async () => (await afterOthers())?.reached === true, WITHIN)
  })

  test('goes on after its session was ended, and delivers what was committed meanwhile', async (t) => {
    const { database, observer, start, slot, slotRow } = await open(t)
    await createOutboxReplication(database, { slot })
    const lost = heard<WakeUpLost>(t, 'seaworthy:wake-up.lost')
    const wakeUp = start()
    const { sent } = relayOf(t, wakeUp, database)
    await streaming(wakeUp)
    for (let round = 1; round <= 3; round++) {
      const pid = (await (await slotRow())())!.active_pid
      await observer.query('SELECT pg_terminate_backend($1)', [pid])
      await observer.query(ADD)
      await eventually('it is sent', () => sent() === round, WITHIN)
      await streaming(wakeUp)
    }
    assert.deepEqual(lost, [])
  })

  test('a slot that was dropped is told loudly and once; the relay carries on by itself, and the slot wakes it again when it is back', async (t) => {
    const { database, observer, start, slot } = await open(t)
    await createOutboxReplication(database, { slot })
    const lost = heard<WakeUpLost>(t, 'seaworthy:wake-up.lost')
    const back = heard(t, 'seaworthy:wake-up.restored')
    const wakeUp = start()
    const { sent } = relayOf(t, wakeUp, database, 50)
    await streaming(wakeUp)
    await eventually(
      'the slot is dropped',
      async () => {
        await observer.query('SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = $1', [slot])
        return dropOutboxReplication(database, { slot }).then(
          () => true,
          () => false,
        )
      },
      WITHIN,
    )
    await eventually('it is told', () => wakeUp.status().kind === 'lost', WITHIN)
    await observer.query(ADD)
    await eventually('it is sent all the same', () => sent() === 1, WITHIN)
    assert.equal(lost.length, 1)
    const [{ error }] = lost as [WakeUpLost]
    assert.ok(error instanceof ReplicationSlotError)
    assert.deepEqual([error.code, error.loss, error.slot, error.executed], ['replication-slot', 'missing', slot, 'no'])
    await createOutboxReplication(database, { slot })
    await streaming(wakeUp)
    assert.equal(back.length, 1)
  })

  test('a slot that moved on without its reader is told', async (t) => {
    const { database, observer, start, slot, slotRow } = await open(t)
    await createOutboxReplication(database, { slot })
    const lost = heard<WakeUpLost>(t, 'seaworthy:wake-up.lost')
    const wakeUp = start()
    await streaming(wakeUp)
    await eventually(
      'somebody else moves the slot',
      async () => {
        const pid = (await (await slotRow())())!.active_pid
        if (pid !== null) await observer.query('SELECT pg_terminate_backend($1)', [pid])
        await observer.query(ADD)
        return observer.query('SELECT pg_replication_slot_advance($1, pg_current_wal_lsn())', [slot]).then(
          () => true,
          () => false,
        )
      },
      WITHIN,
    )
    await eventually('it is told', () => lost.length > 0, WITHIN)
    assert.equal(lost[0]!.error.loss, 'recreated')
    await streaming(wakeUp)
  })

  test('a slot that the server gave up is told as that', async (t) => {
    const { database, observer, start, slot } = await open(t)
    await createOutboxReplication(database, { slot })
    await observer.query("ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'")
    await observer.query('SELECT pg_reload_conf()')
    await eventually(
      'the server gives it up',
      async () => {
        await observer.query(ADD)
        await observer.query('SELECT pg_switch_wal()')
        await observer.query('CHECKPOINT')
        const { rows } = await observer.query("SELECT FROM pg_replication_slots WHERE slot_name = $1 AND wal_status = 'lost'", [slot])
        return rows.length === 1
      },
      WITHIN,
    )
    await observer.query('ALTER SYSTEM RESET max_slot_wal_keep_size')
    await observer.query('SELECT pg_reload_conf()')
    const wakeUp = start()
    await eventually('it is told', () => wakeUp.status().kind === 'lost', WITHIN)
    const status = wakeUp.status()
    assert.ok(status.kind === 'lost')
    assert.equal(status.error.loss, 'invalidated')
    assert.match(status.error.message, /max_slot_wal_keep_size/)
  })

  test('of two processes on one slot one reads and the other stands by, and takes over', async (t) => {
    const { database, start, slot, observer } = await open(t)
    await createOutboxReplication(database, { slot })
    const first = start()
    await streaming(first)
    const second = start()
    await eventually('the second stands by', () => second.status().kind === 'standing-by', WITHIN)
    const { sent } = relayOf(t, second, database)
    await first.stop()
    assert.equal(first.status().kind, 'stopped')
    await streaming(second)
    await observer.query(ADD)
    await eventually('it is woken', () => sent() === 1, WITHIN)
  })

  test('another server behind the same address is told: one without the slot, and one with it', async (t) => {
    const other = await startPostgres({ settings: { wal_level: 'logical' } })
    t.after(() => other.stop())
    let port = server.port
    const sockets = new Set<Socket>()
    const forwarder = createServer((socket) => {
      const onwards = connectTo(port, '127.0.0.1')
      for (const end of [socket, onwards]) {
        sockets.add(end)
        end.on('error', () => undefined)
        end.on('close', () => {
          socket.destroy()
          onwards.destroy()
        })
      }
      socket.pipe(onwards).pipe(socket)
    })
    await new Promise<void>((resolve) => void forwarder.listen(0, '127.0.0.1', resolve))
    t.after(() => forwarder.close())
    const switchTo = (to: number) => {
      port = to
      for (const socket of sockets) socket.destroy()
      sockets.clear()
    }
    const direct = await open(t)
    await createOutboxReplication(direct.database, { slot: direct.slot })
    const name = new URL(direct.url).pathname.slice(1)
    const administrator = new Client({ connectionString: other.url('postgres') })
    await administrator.connect()
    await administrator.query(`CREATE DATABASE ${name}`)
    await administrator.end()
    const restored = await open(t, { url: other.url(name), slot: direct.slot })
    const lost = heard<WakeUpLost>(t, 'seaworthy:wake-up.lost')
    const forwarded = await open(t, {
      url: `postgres://postgres@127.0.0.1:${(forwarder.address() as AddressInfo).port}/${name}`,
      slot: direct.slot,
    })
    const wakeUp = forwarded.start()
    await streaming(wakeUp)
    switchTo(other.port)
    await eventually('the missing slot is told', () => lost.some(({ error }) => error.loss === 'missing'), WITHIN)
    switchTo(server.port)
    await streaming(wakeUp)
    await createOutboxReplication(restored.database, { slot: direct.slot })
    switchTo(other.port)
    await eventually('the other server is told', () => lost.some(({ error }) => error.loss === 'server-changed'), WITHIN)
    await streaming(wakeUp)
    await wakeUp.stop()
    switchTo(server.port)
  })
})
