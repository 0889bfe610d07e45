import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { type TestContext, suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Client } from 'pg'
import { ConfigurationError } from 'seaworthy/core'
import type { NewStoredEvent } from 'seaworthy/event-sourcing'
import type { EventEnvelope, EventLog } from 'seaworthy/messaging'
import { type OutboxEntry, outbox, startRelay } from 'seaworthy/outbox'
import {
  type PostgresDatabase,
  SchemaTooNewError,
  consumerStoreSchema,
  eventStoreSchema,
  inboxStoreSchema,
  leaseStoreSchema,
  migrate,
  outboxStoreSchema,
  pgTransaction,
  postgresConsumerStore,
  postgresEventStore,
  postgresInboxStore,
  postgresLeaseStore,
  postgresOutboxStore,
} from '@seaworthy/postgres'
import { VirtualClock, eventually, inMemoryEventLog } from '@seaworthy/testing'
import { databaseForTest } from './server.ts'
import { openTransaction, untilWaiting } from './held-open.ts'

const ALL = 1_000_000
const SCHEMAS = [outboxStoreSchema, inboxStoreSchema, eventStoreSchema, leaseStoreSchema]

async function open(t: TestContext) {
  const under = await databaseForTest()
  t.after(under.dispose)
  await migrate(under.database, SCHEMAS)
  return { ...under, observer: await under.connect() }
}

/** A writer that is idle in its transaction, somewhere else on the server. @returns the horizon that it holds */
async function idleWriter(client: Client): Promise<bigint> {
  await client.query('BEGIN')
  const { rows } = await client.query<{ xid: string }>('SELECT pg_current_xact_id()::text AS xid')
  return BigInt(rows[0]!.xid)
}

async function horizon(client: Client): Promise<bigint> {
  const { rows } = await client.query<{ xmin: string }>('SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS xmin')
  return BigInt(rows[0]!.xmin)
}

let made = 0
function event(key: string, topic = 'orders'): EventEnvelope {
  const id = `event-${++made}`
  return {
    id,
    type: 'thing.happened',
    version: 1,
    source: topic,
    key,
    sequence: 0,
    time: '2026-01-01T00:00:00Z',
    correlationId: 'c',
    data: {},
  }
}

const summary = (entries: readonly OutboxEntry[]) => entries.map(({ event }) => `${event.key}${event.sequence}`)

suite('the outbox under commits that overtake each other', () => {
  test('a message that commits late is found late, and nothing that was sent before hides it', async (t) => {
    const { database } = await open(t)
    const store = postgresOutboxStore(database)
    const late = openTransaction(database, (tx) => store.add(tx, 'orders', [event('a')]))
    await late.ready
    await database.transaction((tx) => store.add(tx, 'orders', [event('b')]))
    const first = await store.unsent('orders', ALL)
    assert.deepEqual(summary(first), ['b1'])
    await store.markSent(first.map(({ position }) => position))
    await late.commit()
    const second = await store.unsent('orders', ALL)
    assert.deepEqual(summary(second), ['a1'])
    assert.ok(second[0]!.position < first[0]!.position, 'the positions were not in the other order')
  })

  test('the second message of a key waits for the first one’s commit, and gets the next number', async (t) => {
    const { database, observer } = await open(t)
    const store = postgresOutboxStore(database)
    const first = openTransaction(database, (tx) => store.add(tx, 'orders', [event('a')]))
    await first.ready
    const second = database.transaction((tx) => store.add(tx, 'orders', [event('a')]))
    await untilWaiting(observer, 1)
    assert.deepEqual(await store.unsent('orders', ALL), [])
    await first.commit()
    await second
    assert.deepEqual(summary(await store.unsent('orders', ALL)), ['a1', 'a2'])
  })

  test('the second message of a key gets the first one’s number when that rolls back', async (t) => {
    const { database, observer } = await open(t)
    const store = postgresOutboxStore(database)
    const first = openTransaction(database, (tx) => store.add(tx, 'orders', [event('a')]))
    await first.ready
    const second = database.transaction((tx) => store.add(tx, 'orders', [event('a')]))
    await untilWaiting(observer, 1)
    await first.rollBack()
    await second
    assert.deepEqual(summary(await store.unsent('orders', ALL)), ['a1'])
  })

  test('a writer that is idle elsewhere on the server holds nothing back', async (t) => {
    const { database, observer, connect } = await open(t)
    const store = postgresOutboxStore(database)
    const held = await idleWriter(observer)
    await database.transaction((tx) => store.add(tx, 'orders', [event('a')]))
    assert.deepEqual(summary(await store.unsent('orders', ALL)), ['a1'])
    assert.equal(await horizon(await connect()), held, 'the idle writer did not hold the horizon')
  })

  test('two that add the same keys in opposite orders do not wait for each other in a circle', async (t) => {
    const { database, observer } = await open(t)
    const store = postgresOutboxStore(database)
    const add = (...keys: readonly string[]) =>
      database.transaction((tx) =>
        store.add(
          tx,
          'orders',
          keys.map((key) => event(key)),
        ),
      )
    // It stops both in the middle of their keys.
    const middle = openTransaction(database, (tx) => store.add(tx, 'orders', [event('m')]))
    await middle.ready
    const both = [add('a', 'm', 'z'), add('z', 'm', 'a')]
    await untilWaiting(observer, 2)
    await middle.commit()
    await Promise.all(both)
    assert.equal((await store.unsent('orders', ALL)).length, 7)
  })
})

suite('relays that share an outbox', () => {
  const shared = async (openAnother: () => Promise<PostgresDatabase>, holder: string, ttlMs = 300) => {
    const database = await openAnother()
    return postgresOutboxStore(database, { shared: { leases: postgresLeaseStore(database), holder, ttlMs } })
  }

  test('two relays split the keys; each key is sent in order, and nothing twice', async (t) => {
    const { database, openAnother } = await open(t)
    const writer = postgresOutboxStore(database)
    const sent: EventEnvelope[][] = [[], []]
    const wire: EventEnvelope[] = []
    // For longer than a busy machine keeps a process waiting, which would lose its leases and send twice, as it may.
    const stores = [await shared(openAnother, 'one', 2_000), await shared(openAnother, 'two', 2_000)] as const
    const relays = stores.map((store, index) =>
      startRelay({ store, log: recordingLog((event) => (sent[index]!.push(event), wire.push(event))), pollMs: 20, batchSizeMax: 7 }),
    )
    t.after(() => Promise.all(relays.map((relay) => relay.stop())))
    const add = (round: number) =>
      database.transaction((tx) =>
        writer.add(
          tx,
          'orders',
          Array.from({ length: 40 }, (_, index) => event(`key-${(index + round) % 40}`)),
        ),
      )
    let rounds = 0
    const bothSend = async () => {
      await add(++rounds)
      return sent.every((events) => events.length > 0)
    }
    await eventually('both have a part', bothSend, { withinMs: 20_000 })
    for (let more = 0; more < 5; more++) await add(++rounds)
    await eventually('all is sent', async () => (await writer.backlog()).messages === 0)
    assert.equal(wire.length, rounds * 40)
    assertOrdered(wire)
    await relays[0]!.stop()
    await stores[0].handBack()
    await add(++rounds)
    await eventually('the other takes over what was handed back', async () => (await writer.backlog()).messages === 0)
    assert.equal(wire.length, rounds * 40)
    assertOrdered(wire)
  })

  test('a relay that stood still sends stale messages after its lease; behind the inbox each has one effect, in order', async (t) => {
    const { database, openAnother } = await open(t)
    const writer = postgresOutboxStore(database)
    const inbox = postgresInboxStore(database)
    const wire: EventEnvelope[] = []
    const effects: EventEnvelope[] = []
    const deliver = async (event: EventEnvelope) => {
      wire.push(event)
      await database.transaction(async (tx) => {
        const { id: messageId, key, sequence } = event
        const verdict = await inbox.admit(tx, { consumer: 'history', generation: 1, messageId, topic: 'orders', key, sequence })
        if (verdict.kind !== 'duplicate') effects.push(event)
      })
    }
    // Its clock stands still, as that of a process that is stopped: nothing is extended.
    const asleep = Promise.withResolvers<void>()
    const wakes = Promise.withResolvers<void>()
    const sleeper = startRelay({
      store: await shared(openAnother, 'sleeper'),
      log: recordingLog(async (event) => {
        asleep.resolve()
        await wakes.promise
        await deliver(event)
      }),
      clock: new VirtualClock(),
    })
    await eventually('the sleeper has its leases', async () => {
      const held = await postgresLeaseStore(database).held('outbox/')
      return held.filter(({ holder }) => holder === 'sleeper').length === 17
    })
    await database.transaction((tx) => writer.add(tx, 'orders', [event('a'), event('a')]))
    await asleep.promise
    const other = startRelay({ store: await shared(openAnother, 'other'), log: recordingLog(deliver), pollMs: 20 })
    t.after(() => Promise.all([sleeper.stop(), other.stop()]))
    await eventually('the other relay took over', () => wire.length >= 2)
    await database.transaction((tx) => writer.add(tx, 'orders', [event('a')]))
    await eventually('all is sent', async () => (await writer.backlog()).messages === 0)
    wakes.resolve()
    await eventually('the sleeper sent what it had', () => wire.length >= 5)
    assert.ok(
      wire.slice(3).every(({ sequence }) => sequence <= 2),
      'nothing stale was sent',
    )
    assert.deepEqual(
      effects.map(({ sequence }) => sequence),
      [1, 2, 3],
    )
  })

  test('a relay that died loses its part when its leases end', async (t) => {
    const { database, openAnother } = await open(t)
    const writer = postgresOutboxStore(database)
    const dead = await shared(openAnother, 'dead')
    await dead.topics()
    await database.transaction((tx) => writer.add(tx, 'orders', [event('a'), event('b')]))
    assert.equal((await dead.unsent('orders', ALL)).length, 2)
    const heir = await shared(openAnother, 'heir')
    await eventually('the heir has all', async () => (await heir.unsent('orders', ALL)).length === 2)
  })
})

suite('the inbox on two connections', () => {
  test('a second delivery waits for the first one’s transaction, and is a duplicate if that commits', async (t) => {
    const { database, observer } = await open(t)
    const store = postgresInboxStore(database)
    const message = { consumer: 'history', generation: 1, messageId: 'm', topic: 'orders', key: 'a', sequence: 1 }
    for (const numbered of [message, { ...message, messageId: 'n', sequence: 0 }]) {
      const first = openTransaction(database, (tx) => store.admit(tx, numbered))
      await first.ready
      const second = database.transaction((tx) => store.admit(tx, numbered))
      await untilWaiting(observer, 1)
      await first.commit()
      assert.deepEqual(await second, { kind: 'duplicate', by: 'id' })
    }
  })

  test('a second delivery is new if the first one rolls back', async (t) => {
    const { database, observer } = await open(t)
    const store = postgresInboxStore(database)
    const message = { consumer: 'history', generation: 1, messageId: 'm', topic: 'orders', key: 'a', sequence: 1 }
    const first = openTransaction(database, (tx) => store.admit(tx, message))
    await first.ready
    const second = database.transaction((tx) => store.admit(tx, message))
    await untilWaiting(observer, 1)
    await first.rollBack()
    assert.deepEqual(await second, { kind: 'new' })
  })
})

suite('a key that is released while a message of it arrives', () => {
  test('the release waits until the message lies behind the others, so that whoever releases finds it', async (t) => {
    const { database, observer } = await open(t)
    await migrate(database, [consumerStoreSchema])
    const store = postgresConsumerStore(database)
    const message = (key: string) => ({ consumer: 'history', topic: 'orders', event: event(key) })
    await store.bury({ ...message('a'), kind: 'parked', attempts: 1, reason: 'no good', diedAtMs: 1 }, { deadLettersMax: 10 })
    const [parked] = await store.deadLetters('history', { max: 1 })
    // It stops the arriving message between the look at its key and its place behind the others.
    await observer.query(`SELECT pg_advisory_lock(42);
      CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_advisory_xact_lock(42); RETURN NEW; END';
      CREATE TRIGGER dawdle BEFORE INSERT ON seaworthy_dead_letters FOR EACH ROW EXECUTE FUNCTION dawdle()`)
    const arriving = store.begin(message('a'), { deadLettersMax: 10, atMs: 1, countSuspect: true, handled: [] })
    await untilWaiting(observer, 1)
    const left = store.resolve(parked!).then(() => store.deadLetters('history', { topic: 'orders', key: 'a', max: 10 }))
    await untilWaiting(observer, 2)
    await observer.query('SELECT pg_advisory_unlock(42)')
    assert.deepEqual(await arriving, { kind: 'held' })
    assert.deepEqual(
      (await left).map(({ kind }) => kind),
      ['held'],
    )
  })
})

suite('all streams of the event store in one order', () => {
  const stored = (): NewStoredEvent => ({
    id: `event-${++made}`,
    type: 'happened',
    schemaVersion: 1,
    data: {},
    context: { correlationId: 'c' },
  })
  const opened = async (t: TestContext) => {
    const under = await open(t)
    const store = postgresEventStore(under.database)
    const append = (stream: string) => under.database.transaction((tx) => store.append(tx, stream, [stored()], 'any'))
    const begin = async (stream: string) => {
      const transaction = openTransaction(under.database, (tx) => store.append(tx, stream, [stored()], 'any'))
      await transaction.ready
      return transaction
    }
    const read = async (after = 0) => (await store.readAll({ after, max: 100 })).map(({ stream }) => stream)
    return { ...under, store, append, begin, read }
  }

  test('a reader stops before an append in flight, and loses nothing when that commits after a later one', async (t) => {
    const { append, begin, read, store } = await opened(t)
    await append('a')
    const late = await begin('b')
    await append('c')
    assert.deepEqual(await read(), ['a'])
    assert.equal(await store.head(), 1)
    await late.commit()
    assert.deepEqual(await read(), ['a', 'b', 'c'])
    assert.equal(await store.head(), 3)
  })

  test('a place that a rollback left empty holds nobody up, whatever else is in flight', async (t) => {
    const { append, begin, read, observer, connect } = await opened(t)
    const lost = await begin('b')
    await append('c')
    assert.deepEqual(await read(), [])
    const held = await idleWriter(observer)
    const later = await begin('d')
    await lost.rollBack()
    assert.deepEqual(await read(), ['c'])
    await append('e')
    assert.deepEqual(await read(), ['c'])
    await later.rollBack()
    assert.deepEqual(await read(), ['c', 'e'])
    assert.equal(await horizon(await connect()), held, 'the idle writer did not hold the horizon')
  })

  test('a reader that begins behind old gaps looks once, and then reads on', async (t) => {
    const { append, begin, read, database } = await opened(t)
    for (let round = 0; round < 3; round++) {
      await (await begin('lost')).rollBack()
      await append(`kept-${round}`)
    }
    assert.deepEqual(await read(), ['kept-0', 'kept-1', 'kept-2'])
    const fresh = postgresEventStore(database)
    assert.equal((await fresh.readAll({ after: 2, max: 100 })).length, 2)
  })

  test('a prepared transaction holds its place until it is decided', async (t) => {
    const { append, read, connect, store } = await opened(t)
    const client = await connect()
    for (const decision of ['COMMIT', 'ROLLBACK']) {
      await client.query('BEGIN')
      await store.append(pgTransaction(client), `prepared ${decision}`, [stored()], 'any')
      await append('after')
      const before = await read()
      await client.query(`PREPARE TRANSACTION '${decision}'`)
      assert.deepEqual([await read(), await read()], [before, before])
      await client.query(`${decision} PREPARED '${decision}'`)
    }
    assert.deepEqual(await read(), ['prepared COMMIT', 'after', 'after'])
  })

  test('readers beside many writers, some of which roll back, miss nothing and see each stream in its order', async (t) => {
    const { database, openAnother, store } = await opened(t)
    const reader = postgresEventStore(await openAnother())
    let writing = true
    let kept = 0
    const writer = async (seed: number) => {
      for (let round = 0; round < 40; round++) {
        const stream = `stream-${(seed + round) % 5}`
        await database
          .transaction(async (tx) => {
            await store.append(tx, stream, [stored(), stored()], 'any')
            if ((seed + round) % 7 === 0) throw new Error('rolled back')
          })
          .then(
            () => (kept += 2),
            () => undefined,
          )
      }
    }
    const seen: { stream: string; version: number }[] = []
    const reading = async () => {
      for (let after = 0, last = false; !last;) {
        last = !writing
        const page = await reader.readAll({ after, max: 9 })
        if (page.length > 0) last = false
        seen.push(...page)
        after = page.at(-1)?.position ?? after
      }
    }
    const readings = reading()
    await Promise.all(Array.from({ length: 8 }, (_, seed) => writer(seed)))
    writing = false
    await readings
    assert.equal(seen.length, kept)
    for (let index = 0; index < 5; index++) {
      const versions = seen.filter(({ stream }) => stream === `stream-${index}`).map(({ version }) => version)
      assert.deepEqual(
        versions,
        versions.map((_, place) => place + 1),
      )
    }
  })

  test('an event that two append at one time is stored once, and both get the same answer', async (t) => {
    const { database, store, begin, observer } = await opened(t)
    const first = await begin('a')
    const same = stored()
    const appending = [1, 2].map(() => database.transaction((tx) => store.append(tx, 'a', [same], 'any')))
    await untilWaiting(observer, 2)
    await first.commit()
    assert.deepEqual(await Promise.all(appending), [2, 2])
  })
})

suite('other programs beside the library', () => {
  test('an event that the SQL function adds is numbered among the others, and wakes a listener at its commit', async (t) => {
    const { database, connect } = await open(t)
    const store = postgresOutboxStore(database)
    const told: string[] = []
    store.onAdded((topic) => told.push(topic))
    const client = await connect()
    const add = () => client.query(`SELECT seaworthy_outbox_add('orders', $1, 'order.placed', 2, '{"cents": 5}') AS number`, ['a\\b'])
    await database.transaction((tx) => store.add(tx, 'orders', [event('a\\b')]))
    told.length = 0
    await eventually('the listener is told', async () => {
      await client.query('BEGIN')
      await add()
      await client.query('COMMIT')
      return told.includes('orders')
    })
    await database.transaction((tx) => store.add(tx, 'orders', [event('a\\b')]))
    const entries = await store.unsent('orders', ALL)
    assert.deepEqual(
      entries.map(({ event }) => [event.key, event.sequence]),
      entries.map((_, index) => ['a\\b', index + 1]),
    )
    const { event: added } = entries[1]!
    assert.deepEqual(
      { type: added.type, version: added.version, source: added.source, data: added.data },
      { type: 'order.placed', version: 2, source: 'orders', data: { cents: 5 } },
    )
    assert.ok(added.id.length > 0 && added.correlationId.length > 0 && Math.abs(Date.parse(added.time) - Date.now()) < 60_000)
  })

  test('events go with the transaction of a user’s own pg client', async (t) => {
    const { database, connect } = await open(t)
    const store = postgresOutboxStore(database)
    const publishing = outbox({ store })
    const client = await connect()
    const told: string[] = []
    store.onAdded((topic) => told.push(topic))
    for (const end of ['ROLLBACK', 'COMMIT']) {
      await client.query('BEGIN')
      const tx = pgTransaction(client)
      await publishing.add(tx, event('a'), event('b'))
      assert.deepEqual(await store.unsent('orders', ALL), [])
      await client.query(end)
      if (end === 'COMMIT') tx.committed()
      assert.deepEqual(told, end === 'COMMIT' ? ['orders'] : [])
    }
    assert.deepEqual(summary(await store.unsent('orders', ALL)), ['a1', 'b1'])
    await assert.rejects(publishing.add(pgTransaction(client), event('a')), ConfigurationError)
  })

  test('the SQL files may be run by another tool; migrate then finds them done', async (t) => {
    const { database, connect, dispose } = await databaseForTest()
    t.after(dispose)
    const client = await connect()
    const folder = fileURLToPath(new URL('../sql/', import.meta.url))
    const files = ['schema.1.sql', ...readdirSync(folder).filter((name) => name !== 'schema.1.sql')]
    for (const file of files) await client.query(readFileSync(`${folder}/${file}`, 'utf8'))
    await migrate(database, [...SCHEMAS, consumerStoreSchema])
    const store = postgresOutboxStore(database)
    await database.transaction((tx) => store.add(tx, 'orders', [event('a')]))
    assert.deepEqual(summary(await store.unsent('orders', ALL)), ['a1'])
  })

  test('instances that migrate at one time do it once; newer tables are refused', async (t) => {
    const { database, openAnother, dispose } = await databaseForTest()
    t.after(dispose)
    const own = {
      component: 'orders',
      versions: ['CREATE TABLE orders (id int)', 'ALTER TABLE orders ADD COLUMN cents int; CREATE INDEX ON orders (cents)'],
    }
    const instances = [database, ...(await Promise.all([openAnother(), openAnother()]))]
    await Promise.all(instances.map((instance) => migrate(instance, [...SCHEMAS, own])))
    await database.transaction((tx) => tx.execute({ sql: 'INSERT INTO orders VALUES (1, 2)' }))
    await assert.rejects(migrate(database, [{ component: 'orders', versions: ['SELECT 1'] }]), SchemaTooNewError)
    const broken = { component: 'orders', versions: [...own.versions, 'ALTER TABLE orders ADD COLUMN a int; SELECT * FROM nowhere'] }
    await assert.rejects(migrate(database, [broken]))
    assert.deepEqual(await database.query({ sql: 'SELECT * FROM orders' }), [{ id: 1, cents: 2 }])
  })
})

/** An event log that tells of each event before it has it. */
function recordingLog(onEvent: (event: EventEnvelope) => unknown): EventLog {
  const log = inMemoryEventLog()
  return new Proxy(log, {
    get: (target, name) =>
      name === 'append'
        ? async (topic: string, events: readonly EventEnvelope[]) => {
            for (const event of events) await onEvent(event)
            return target.append(topic, events)
          }
        : Reflect.get(target, name),
  })
}

function assertOrdered(wire: readonly EventEnvelope[]): void {
  const last = new Map<string, number>()
  for (const { key, sequence } of wire) {
    assert.equal(sequence, (last.get(key) ?? 0) + 1, `${key} is out of order`)
    last.set(key, sequence)
  }
}
