import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { type TestContext, suite, test } from 'node:test'
import type { EventEnvelope } from 'seaworthy/messaging'
import { type OutboxStall, type OutboxStallOver, type StallHolder, outbox, startRelay } from 'seaworthy/outbox'
import {
  type EventStoreHeldUp,
  eventStoreSchema,
  migrate,
  outboxStoreSchema,
  pgTransaction,
  postgresEventStore,
  postgresOutboxStore,
} from '@seaworthy/postgres'
import { VirtualClock, eventually, inMemoryEventLog } from '@seaworthy/testing'
import { databaseForTest } from './server.ts'

const WITHIN = { withinMs: 60_000 }

async function open(t: TestContext) {
  const under = await databaseForTest()
  await migrate(under.database, [outboxStoreSchema, eventStoreSchema])
  const store = postgresOutboxStore(under.database, { stallAfterMs: 20 })
  const observer = await under.connect()
  t.after(under.dispose)
  return { ...under, store, events: outbox({ store }), observer }
}

/** A session that goes by a name. */
async function named(connect: Awaited<ReturnType<typeof open>>['connect'], application: string) {
  const client = await connect()
  await client.query("SELECT set_config('application_name', $1, false)", [application])
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
  return { client, pid: rows[0]!.pid }
}

/** What is published on a channel until the test ends. */
function heard<Message>(t: TestContext, channel: string): readonly Message[] {
  const messages: Message[] = []
  const listener = (message: unknown) => void messages.push(message as Message)
  subscribe(channel, listener)
  t.after(() => unsubscribe(channel, listener))
  return messages
}

let made = 0
function event(key: string): EventEnvelope {
  const time = '2026-01-01T00:00:00Z'
  return { id: `e${++made}`, type: 'counted', version: 1, source: 'orders', key, sequence: 0, time, correlationId: 'c', data: {} }
}

const session = (holder: StallHolder | undefined) => {
  assert.equal(holder?.kind, 'session')
  return holder
}

suite('the stall doctor', () => {
  test('an add that waits for a key names who left its transaction open, and tells when it is over', async (t) => {
    const { events, database, connect } = await open(t)
    const stalled = heard<OutboxStall>(t, 'seaworthy:outbox.stalled')
    const over = heard<OutboxStallOver>(t, 'seaworthy:outbox.stall-over')
    const { client, pid } = await named(connect, 'forgetful')
    await client.query('BEGIN')
    await events.add(pgTransaction(client), event('a'))
    await client.query("SELECT 'the last thing it did'")
    const waiting = database.transaction((tx) => events.add(tx, event('b'), event('a')))
    await eventually('the stall is told', () => stalled.length === 1, WITHIN)
    const { operation, topic, keys, holders } = stalled[0]!
    assert.deepEqual({ operation, topic, keys }, { operation: 'add', topic: 'orders', keys: ['b', 'a'] })
    assert.equal(holders?.length, 1)
    const holder = session(holders[0])
    assert.equal(holder.pid, pid)
    assert.equal(holder.application, 'forgetful')
    assert.equal(holder.user, 'postgres')
    assert.equal(holder.state, 'idle in transaction')
    assert.equal(holder.query, "SELECT 'the last thing it did'")
    assert.equal(holder.behind, 1)
    assert.ok(holder.heldMs > 0)
    assert.equal(over.length, 0)
    await client.query('COMMIT')
    await waiting
    assert.equal(over.length, 1)
    assert.ok(over[0]!.stalledMs >= 20)
  })

  test('a long statement is told with its text', async (t) => {
    const { events, database, connect, store } = await open(t)
    const { client, pid } = await named(connect, 'reporting')
    await client.query('BEGIN')
    await events.add(pgTransaction(client), event('a'))
    const sleeping = client.query('SELECT pg_sleep(600)')
    sleeping.catch(() => undefined)
    const waiting = database.transaction((tx) => events.add(tx, event('a')))
    await eventually('the doctor sees it', async () => (await store.explainStall!()).length === 1, WITHIN)
    const holder = session((await store.explainStall!())[0])
    assert.deepEqual([holder.pid, holder.state, holder.query], [pid, 'active', 'SELECT pg_sleep(600)'])
    const killer = await connect()
    await killer.query('SELECT pg_terminate_backend($1)', [pid])
    await waiting
  })

  test('a prepared transaction is told by its gid, and that survives the session which prepared it', async (t) => {
    const { events, database, connect, store, observer } = await open(t)
    const { client } = await named(connect, 'two-phase')
    await client.query('BEGIN')
    await events.add(pgTransaction(client), event('a'))
    await client.query("PREPARE TRANSACTION 'payment 7'")
    await client.end()
    const waiting = database.transaction((tx) => events.add(tx, event('a')))
    await eventually('the doctor sees it', async () => (await store.explainStall!()).length === 1, WITHIN)
    const [holder] = await store.explainStall!()
    assert.ok(holder?.kind === 'prepared-transaction')
    assert.deepEqual([holder.gid, holder.user, holder.behind], ['payment 7', 'postgres', 1])
    await observer.query("ROLLBACK PREPARED 'payment 7'")
    await waiting
    assert.deepEqual(await store.explainStall!(), [])
  })

  test('of a chain of waits the one at its end is told, and how many are behind it', async (t) => {
    const { events, database, connect, store, openAnother } = await open(t)
    const first = await named(connect, 'root')
    await first.client.query('BEGIN')
    await events.add(pgTransaction(first.client), event('a'))
    const second = await named(connect, 'between')
    await second.client.query('BEGIN')
    await events.add(pgTransaction(second.client), event('b'))
    const between = events.add(pgTransaction(second.client), event('a'))
    const another = postgresOutboxStore(await openAnother())
    const last = database.transaction((tx) => another.add(tx, 'orders', [event('b')]))
    // Somebody who is idle in a transaction, but in nobody's way.
    const bystander = await named(connect, 'bystander')
    await bystander.client.query('BEGIN')
    await events.add(pgTransaction(bystander.client), event('elsewhere'))
    const seen = async () => (await store.explainStall!()).map((holder) => [session(holder).application, session(holder).behind])
    await eventually('both wait', async () => (await seen())[0]?.[1] === 2, WITHIN)
    assert.deepEqual(await seen(), [['root', 2]])
    await first.client.query('ROLLBACK')
    await between
    await second.client.query('COMMIT')
    await last
    await bystander.client.query('ROLLBACK')
  })

  test('a relay that cannot read says so in its status, and goes on when it can; while all is well nothing is asked', async (t) => {
    const { events, database, connect, store } = await open(t)
    let asked = 0
    const explainStall = () => {
      asked++
      return store.explainStall!()
    }
    const watched = {
      add: store.add.bind(store),
      topics: store.topics.bind(store),
      unsent: store.unsent.bind(store),
      markSent: store.markSent.bind(store),
      backlog: store.backlog.bind(store),
      onAdded: store.onAdded.bind(store),
      explainStall,
    }
    const log = inMemoryEventLog()
    const relay = startRelay({ store: watched, log, pollMs: 10, stallAfterMs: 1_000 })
    t.after(() => relay.stop())
    const sent = () => log.partitions('orders').flat().length
    await database.transaction((tx) => events.add(tx, event('a')))
    await eventually('it is sent', () => sent() === 1, WITHIN)
    assert.deepEqual((await relay.status()).stalls, [])
    assert.equal(asked, 0)
    const { client, pid } = await named(connect, 'maintenance')
    await client.query('BEGIN')
    await client.query('LOCK TABLE seaworthy_outbox')
    await eventually('the status says who', async () => (await relay.status()).stalls.length > 0, WITHIN)
    const { stalls, backlog } = await relay.status()
    const [stall] = stalls
    assert.ok(stall!.operation === 'look' || stall!.operation === 'read')
    assert.equal(session(stall!.holders?.[0]).pid, pid)
    assert.equal(typeof backlog.messages, 'number')
    await client.query('COMMIT')
    await eventually('it goes on', async () => (await relay.status()).stalls.length === 0, WITHIN)
    await database.transaction((tx) => events.add(tx, event('a')))
    await eventually('it is sent', () => sent() === 2, WITHIN)
  })

  test('a reader of all streams names the append that it waits for', async (t) => {
    const { database, connect, observer } = await open(t)
    const told = heard<EventStoreHeldUp>(t, 'seaworthy:event-store.held-up')
    const clock = new VirtualClock()
    const store = postgresEventStore(database, { clock })
    const stored = () => ({ id: `s${++made}`, type: 'x', schemaVersion: 1, data: {}, context: { correlationId: 'c' } })
    const { client, pid } = await named(connect, 'slow append')
    await client.query('BEGIN')
    await store.append(pgTransaction(client), 'first', [stored()], 'any')
    const { client: prepared } = await named(connect, 'prepared append')
    await prepared.query('BEGIN')
    await store.append(pgTransaction(prepared), 'second', [stored()], 'any')
    await prepared.query("PREPARE TRANSACTION 'append'")
    await database.transaction((tx) => store.append(tx, 'third', [stored()], 'any'))
    assert.deepEqual(await store.readAll({ after: 0, max: 10 }), [])
    await clock.advance(2_500)
    assert.deepEqual(await store.readAll({ after: 0, max: 10 }), [])
    assert.deepEqual(await store.readAll({ after: 0, max: 10 }), [])
    await eventually('it is told', () => told.length === 1, WITHIN)
    const { waitedMs, position, holders } = told[0]!
    assert.deepEqual([waitedMs, position], [2_500, 0])
    assert.deepEqual(
      new Set(holders.map((holder) => (holder.kind === 'session' ? holder.pid : holder.kind === 'prepared-transaction' ? holder.gid : 0))),
      new Set([pid, 'append']),
    )
    await client.query('ROLLBACK')
    await observer.query("ROLLBACK PREPARED 'append'")
  })
})
