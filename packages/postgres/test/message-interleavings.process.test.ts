import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { ConfigurationError } from 'seaworthy/core'
import type { EventEnvelope, EventLog } from 'seaworthy/messaging'
import { type OutboxEntry, outbox, startRelay } from 'seaworthy/outbox'
import {
  type PostgresDatabase,
  consumerStoreSchema,
  migrate,
  pgTransaction,
  postgresConsumerStore,
  postgresInboxStore,
  postgresLeaseStore,
  postgresOutboxStore,
} from '@seaworthy/postgres'
import { VirtualClock, eventually, inMemoryEventLog } from '@seaworthy/testing'
import { openTransaction, untilWaiting } from './held-open.ts'
import { event, horizon, idleWriter, open } from './overlapping.ts'

const ALL = 1_000_000

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

suite('the outbox beside other programs', () => {
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
