import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { type TestContext, suite, test } from 'node:test'
import { PostgresError, eventStoreSchema, migrate, postgresEventStore } from '@seaworthy/postgres'
import { ConflictError, SeaworthyError } from 'seaworthy/core'
import { type ExpectedVersion, type NewStoredEvent, WrongExpectedVersionError, commandHandler, eventTypes } from 'seaworthy/event-sourcing'
import { eventStoreContract } from '@seaworthy/testing'
import { openTransaction, untilWaiting } from './held-open.ts'
import { databaseForTest } from './server.ts'

// One of the library's sessions, rather one that is at work.
const KILL = `SELECT pg_terminate_backend(pid) FROM (
  SELECT pid FROM pg_stat_activity WHERE application_name = 'seaworthy' ORDER BY state = 'idle', random() LIMIT 1) AS one`
// So that some are.
const SLOW = `CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.003); RETURN NULL; END';
  CREATE TRIGGER dawdle AFTER INSERT ON seaworthy_events FOR EACH STATEMENT EXECUTE FUNCTION dawdle()`

const turn = () => new Promise((resolve) => setImmediate(resolve))
const event = (id: string): NewStoredEvent => ({ id, type: 'happened', schemaVersion: 1, data: { id }, context: { correlationId: 'c' } })

async function opened(t: TestContext) {
  const under = await databaseForTest()
  t.after(under.dispose)
  await migrate(under.database, [eventStoreSchema])
  const store = postgresEventStore(under.database)
  const append = (stream: string, expected: ExpectedVersion, ...ids: readonly string[]) =>
    under.database.pipelined((tx) => store.append(tx, stream, ids.map(event), expected))
  /** By how many transactions the events of the store were written. */
  const transactions = async () => {
    const [row] = await under.database.query<{ count: number }>({ sql: 'SELECT count(DISTINCT xmin::text) AS count FROM seaworthy_events' })
    return row!.count
  }
  return { ...under, store, append, transactions }
}

const streams = (count: number) => Array.from({ length: count }, (_, number) => `stream ${number}`)

// Each append in a transaction of its own goes as one that is alone there, and so with those of others; the rest of the contract is about more than one append.
eventStoreContract('PostgreSQL, appends that are transactions by themselves', async () => {
  const { database, dispose } = await databaseForTest()
  await migrate(database, [eventStoreSchema])
  const store = postgresEventStore(database)
  return { store, database, dispose, append: store.appendAlone! }
})

void suite('appends that are transactions by themselves', () => {
  test('share transactions when they come together, and each finds its version', async (t) => {
    const { append, transactions, store } = await opened(t)
    const versions = await Promise.all(streams(40).map((stream, number) => append(stream, 'no-stream', `${number}`, `${number}'`)))
    assert.deepEqual(new Set(versions), new Set([2]))
    const count = await transactions()
    assert.ok(count < 10, `${count} transactions`)
    const more = await Promise.all(streams(40).map((stream, number) => append(stream, 2, `more ${number}`)))
    assert.deepEqual(new Set(more), new Set([3]))
    const all = await store.readAll({ after: 0, max: 1_000 })
    assert.equal(all.length, 120)
    for (const stream of streams(40)) {
      assert.deepEqual(
        all.filter((stored) => stored.stream === stream).map(({ version }) => version),
        [1, 2, 3],
      )
    }
  })

  test('of commands share transactions, and each is decided on all that came before it', async (t) => {
    const { store, database, transactions } = await opened(t)
    const watched = Object.assign(Object.create(database) as typeof database, {
      transaction: () => Promise.reject(new Error('The commands went by transactions of their own.')),
    })
    const counter = commandHandler<number, { type: 'count' }, { type: 'counted'; to: number }>({
      decider: {
        initial: () => 0,
        decide: (_, count) => [{ type: 'counted', to: count + 1 }],
        evolve: (_, { to }) => to,
      },
      events: eventTypes<{ type: 'counted'; to: number }>({ counted: { version: 1 } }),
      store,
      database: watched,
      schemaVersion: 1,
      conflictRetriesMax: 40,
    })
    const results = await Promise.all(
      Array.from({ length: 60 }, (_, number) =>
        counter.execute(`stream ${number % 20}`, { type: 'count' }, { commandId: `command ${number}` }),
      ),
    )
    for (const { state, version } of results) assert.equal(state, version)
    const stored = await store.readAll({ after: 0, max: 1_000 })
    assert.equal(stored.length, 60)
    for (const { version, data } of stored) assert.deepEqual(data, { to: version })
    assert.equal((await counter.execute('stream 7', { type: 'count' }, { commandId: 'command 27' })).repeated, true)
    const count = await transactions()
    assert.ok(count < 40, `${count} transactions for 60 commands`)
  })

  test('that are called off while they wait are not stored', async (t) => {
    const { store } = await opened(t)
    const controller = new AbortController()
    const { signal } = controller
    // Four groups of sixteen are under way, and the rest waits.
    const appends = streams(80).map((stream) => store.appendAlone!(stream, [event(stream)], 'no-stream', { signal }))
    const settled = Promise.allSettled(appends)
    await turn()
    controller.abort(new Error('never mind'))
    const outcomes = await settled
    const off = outcomes.filter((one) => one.status === 'rejected')
    for (const { reason } of off) assert.match(String(reason), /never mind/)
    assert.ok(off.length > 0, 'nobody waited')
    assert.equal((await store.readAll({ after: 0, max: 1_000 })).length, outcomes.length - off.length)
  })

  test('fail alone: on another version, by an id that is known, by what the server refuses', async (t) => {
    const { append, store } = await opened(t)
    await append('known', 'no-stream', 'k')
    // Longer than what an index takes, and not to be compressed.
    const poison = randomBytes(9_000).toString('base64')
    const settled = await Promise.allSettled([
      append('a', 'no-stream', '1'),
      append('b', 4, '2'),
      append('known', 1, 'k'),
      append('c', 'no-stream', '3', poison),
      append('d', 'no-stream', '4', '5'),
    ])
    const [a, b, known, c, d] = settled
    assert.deepEqual(
      [a, d].map((one) => one?.status === 'fulfilled' && one.value),
      [1, 2],
    )
    assert.ok(b?.status === 'rejected' && b.reason instanceof WrongExpectedVersionError && b.reason.actual === 0)
    assert.ok(known?.status === 'rejected' && known.reason instanceof ConflictError && /committed before/.test(known.reason.message))
    assert.ok(c?.status === 'rejected' && c.reason instanceof PostgresError && c.reason.sqlState === '54000')
    const stored = await store.readAll({ after: 0, max: 10 })
    assert.deepEqual(stored.map(({ stream }) => stream).toSorted(), ['a', 'd', 'd', 'known'])
  })

  test('are finished by a database that is closed while they wait', async (t) => {
    const { openAnother, store } = await opened(t)
    const closing = await openAnother()
    const appends = streams(100).map((stream) =>
      closing.pipelined((tx) => postgresEventStore(closing).append(tx, stream, [event(stream)], 'no-stream')),
    )
    const versions = Promise.all(appends)
    await turn()
    await closing.close()
    assert.deepEqual(new Set(await versions), new Set([1]))
    assert.equal((await store.readAll({ after: 0, max: 1_000 })).length, 100)
  })

  test('wait alone for a stream that somebody else holds', async (t) => {
    const { append, database, store, connect } = await opened(t)
    await append('held', 'no-stream', '1')
    const holder = openTransaction(database, (tx) => store.append(tx, 'held', [event('2')], 1))
    await holder.ready
    const held = append('held', 1, '3')
    const others = await Promise.all(streams(5).map((stream) => append(stream, 'no-stream', stream)))
    assert.deepEqual(others, [1, 1, 1, 1, 1])
    await untilWaiting(await connect(), 1)
    await holder.rollBack()
    assert.equal(await held, 2)
  })

  test('make nobody else pay for a deadlock, who takes several streams in an order of their own', async (t) => {
    const { append, database, store, connect } = await opened(t)
    await Promise.all(['a', 'b'].map((stream) => append(stream, 'no-stream', stream)))
    const [hasOne, asksForOther] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const both = database.transaction(async (tx) => {
      // This server looks sooner than others do.
      await tx.execute({ sql: "SET LOCAL deadlock_timeout = '5s'" })
      await store.append(tx, 'b', [event('b2')], 1)
      hasOne.resolve()
      await asksForOther.promise
      await store.append(tx, 'a', [event('a2')], 1)
    })
    await hasOne.promise
    const appends = Promise.allSettled([append('a', 1, 'a3'), append('b', 1, 'b3')])
    await untilWaiting(await connect(), 1)
    asksForOther.resolve()
    // A machine that stands still may let the group end before: then it is a conflict, as it is without a group.
    await both.catch((error: unknown) => assert.ok(error instanceof WrongExpectedVersionError, String(error)))
    for (const outcome of await appends) {
      if (outcome.status === 'rejected') assert.ok(outcome.reason instanceof WrongExpectedVersionError, String(outcome.reason))
    }
    assert.equal((await store.readAll({ after: 0, max: 10 })).length, 4)
  })

  test('are stored once where they were acknowledged, never where they were refused, while sessions end all the time', async (t) => {
    const { append, store, connect, transactions, database } = await opened(t)
    await database.transaction((tx) => tx.script(SLOW))
    const [callers, each, streamsMax] = [12, 25, 5]
    const seen = { acknowledged: new Map<string, readonly [string, number]>(), refused: new Set<string>(), unknown: new Set<string>() }
    const known = new Map<string, number>()
    const appending = Promise.all(
      Array.from({ length: callers }, async (_, caller) => {
        for (let number = 0; number < each; number++) {
          const id = `${caller}/${number}`
          const stream = `stream ${(caller + number) % streamsMax}`
          const expected = known.get(stream) ?? 'no-stream'
          try {
            const version = await append(stream, expected, id)
            seen.acknowledged.set(id, [stream, version])
            known.set(stream, Math.max(version, known.get(stream) ?? 0))
          } catch (error) {
            assert.ok(error instanceof SeaworthyError, String(error))
            seen[error.executed === 'no' ? 'refused' : 'unknown'].add(id)
            if (error instanceof WrongExpectedVersionError) known.set(stream, Math.max(error.actual, known.get(stream) ?? 0))
          }
        }
      }),
    )
    const killer = await connect()
    let killed = 0
    const over = new AbortController()
    void appending.finally(() => over.abort())
    while (!over.signal.aborted) {
      const { rowCount } = await killer.query(KILL)
      killed += rowCount ?? 0
      for (let passed = 0; passed < 200 && !over.signal.aborted; passed++) await turn()
    }
    await appending
    const stored = await store.readAll({ after: 0, max: 1_000 })
    const places = new Map(stored.map(({ id, stream, version }) => [id, [stream, version] as const]))
    assert.equal(places.size, stored.length, 'one event is stored twice')
    for (const [id, place] of seen.acknowledged) assert.deepEqual(places.get(id), place)
    for (const id of seen.refused) assert.equal(places.get(id), undefined, `${id} was refused`)
    for (const stream of new Set(stored.map((one) => one.stream))) {
      const versions = stored.filter((one) => one.stream === stream).map(({ version }) => version)
      assert.deepEqual(
        versions,
        Array.from(versions.keys(), (index) => index + 1),
      )
    }
    assert.ok(killed > 0 && seen.unknown.size > 0, `${killed} sessions ended, ${seen.unknown.size} outcomes are unknown`)
    const count = await transactions()
    assert.ok(count < stored.length, `${stored.length} events in ${count} transactions`)
  })
})
