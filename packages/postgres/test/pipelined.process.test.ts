import assert from 'node:assert/strict'
import { type TestContext, suite, test } from 'node:test'
import {
  eventStoreSchema,
  migrate,
  outboxStoreSchema,
  postgresEventStore,
  postgresOutboxStore,
  postgresSagaStore,
  sagaStoreSchema,
} from '@seaworthy/postgres'
import { ConflictError, UnsupportedError } from 'seaworthy/core'
import { StreamArchivedError, WrongExpectedVersionError } from 'seaworthy/event-sourcing'
import type { EventEnvelope } from 'seaworthy/messaging'
import { orchestrator, saga } from 'seaworthy/saga'
import { eventually } from '@seaworthy/testing'
import { databaseForTest } from './server.ts'

const event = (id: string) => ({ id, type: 'happened', schemaVersion: 1, data: { id }, context: { correlationId: 'c' } })
const message = (id: string, topic = 'orders'): EventEnvelope => ({
  id,
  type: 'order.placed',
  version: 1,
  source: topic,
  key: 'k',
  sequence: 0,
  time: new Date(0).toISOString(),
  correlationId: 'c',
  data: {},
})

async function opened(t: TestContext) {
  const { database, openAnother, dispose } = await databaseForTest()
  t.after(dispose)
  await migrate(database, [
    { component: 'orders', versions: ['CREATE TABLE orders (id text PRIMARY KEY)'] },
    eventStoreSchema,
    outboxStoreSchema,
  ])
  const [store, outbox] = [postgresEventStore(database), postgresOutboxStore(database)]
  const place = (stream: string, id: string, expected: number | 'no-stream' | 'any') =>
    database.pipelined(async (tx) => {
      await tx.execute({ sql: 'INSERT INTO orders (id) VALUES ($1)', params: [id] })
      const version = await store.append(tx, stream, [event(id), event(`${id}'`)], expected)
      await outbox.add(tx, 'orders', [message(id)])
      await outbox.add(tx, 'letters', [message(id, 'letters')])
      return version
    })
  const stored = async () => {
    const orders = await database.query({ sql: 'SELECT id FROM orders' })
    return [orders.length, (await store.readAll({ after: 0, max: 10 })).length, (await outbox.unsent('orders', 10)).length]
  }
  return { database, openAnother, store, outbox, place, stored }
}

void suite('a pipelined transaction', () => {
  test('stores state, events and messages together, and tells who waits, in other processes too', async (t) => {
    const { openAnother, place, stored, outbox } = await opened(t)
    const other = postgresEventStore(await openAnother())
    let rings = 0
    t.after(other.onAppended(() => rings++))
    assert.equal(await place('a', '1', 'no-stream'), 2)
    assert.equal(await place('a', '2', 2), 4)
    assert.deepEqual(await stored(), [2, 4, 2])
    assert.equal((await outbox.unsent('letters', 10)).length, 2)
    // Whoever listens is not told of what came before the session did.
    let version = 4
    await eventually('another process is told', async () => {
      version = await place('a', `more ${version}`, version)
      return rings > 0
    })
  })

  test('stores nothing when an append is refused, and says why', async (t) => {
    const { place, stored, store, database } = await opened(t)
    await place('a', '1', 'no-stream')
    for (const expected of ['no-stream', 1, 7] as const) {
      await assert.rejects(place('a', '2', expected), (error) => {
        assert.ok(error instanceof WrongExpectedVersionError, String(error))
        assert.deepEqual([error.expected, error.actual, error.executed], [expected, 2, 'no'])
        return true
      })
    }
    await assert.rejects(place('absent', '2', 3), WrongExpectedVersionError)
    await database.transaction((tx) => store.archive(tx, 'a'))
    await assert.rejects(place('a', '2', 2), StreamArchivedError)
    await database.transaction((tx) => store.restore(tx, 'a'))
    assert.deepEqual(await stored(), [1, 2, 1])
  })

  test('that is repeated stores nothing again', async (t) => {
    const { database, store } = await opened(t)
    const append = () => database.pipelined((tx) => store.append(tx, 'a', [event('1')], 'no-stream'))
    assert.equal(await append(), 1)
    await assert.rejects(append(), (error) => error instanceof ConflictError && /committed before/.test(error.message))
    // Also where the version would be right: the index knows the id.
    const again = database.pipelined((tx) => store.append(tx, 'a', [event('1')], 1))
    await assert.rejects(again, (error) => error instanceof ConflictError && /committed before/.test(error.message))
    const half = database.pipelined((tx) => store.append(tx, 'a', [event('2'), event('1')], 1))
    await assert.rejects(half, (error) => error instanceof ConflictError && /1 of the 2 events/.test(error.message))
    assert.equal((await store.read('a')).length, 1)
  })

  test('as any other append reads no more of a stream, the longer it is', async (t) => {
    const { database, openAnother, store } = await opened(t)
    const [before, appends] = [600, 20]
    const events = Array.from({ length: before }, (_, n) => event(`before ${n}`))
    await database.transaction((tx) => store.append(tx, 'a', events, 'no-stream'))
    // Its sessions make their plans now.
    const other = await openAnother()
    for (let n = 0; n < appends; n++) {
      const append = n % 2 === 0 ? other.pipelined.bind(other) : other.transaction.bind(other)
      await append((tx) => store.append(tx, 'a', [event(`${n}`)], before + n))
    }
    // What a session did counts when it ends, at the latest.
    await other.close()
    const read = async (index: string) => {
      const sql =
        'SELECT idx_scan AS scans, idx_tup_read AS entries FROM pg_stat_user_indexes WHERE indexrelname = $1 AND schemaname = current_schema()'
      const [row] = await database.query<{ scans: number; entries: number }>({ sql, params: [index] })
      return row!
    }
    await eventually('it has been counted', async () => (await read('seaworthy_streams_pkey')).scans >= appends)
    const { entries } = await read('seaworthy_events_by_version')
    assert.ok(entries < before, `${entries} entries were read`)
  })

  test('names the append that was refused, of several', async (t) => {
    const { database, store } = await opened(t)
    await assert.rejects(
      database.pipelined(async (tx) => {
        await store.append(tx, 'a', [event('1')], 'no-stream')
        await store.append(tx, 'b', [event('2')], 5)
      }),
      (error) => error instanceof WrongExpectedVersionError && error.stream === 'b',
    )
    assert.deepEqual(await store.readAll({ after: 0, max: 10 }), [])
  })

  test('starts sagas with what belongs to them, each once', async (t) => {
    const { database } = await opened(t)
    await migrate(database, [sagaStoreSchema])
    const ran: string[] = []
    const checkout = saga<string>('checkout', { version: 1 }).step('reserve', {
      run: async ({ input }) => void ran.push(input),
      compensation: 'not-needed',
    })
    const sagas = orchestrator({ sagas: [checkout], store: postgresSagaStore(database), database })
    await sagas.resume()
    t.after(() => sagas.stop())
    const start = (...ids: readonly string[]) =>
      database.pipelined(async (tx) => {
        await tx.execute({ sql: 'INSERT INTO orders (id) VALUES ($1)', params: [ids.join()] })
        for (const id of ids) await sagas.start(tx, checkout, { id, input: id })
      })
    await start('one', 'two')
    for (const id of ['one', 'two']) assert.equal((await sagas.settled(id, { timeoutMs: 5_000 }))?.status, 'completed')
    await assert.rejects(
      start('three', 'two'),
      (error) => error instanceof ConflictError && /Saga two was started before/.test(error.message),
    )
    const orders = await database.query<{ id: string }>({ sql: 'SELECT id FROM orders' })
    assert.deepEqual([orders.map(({ id }) => id), ran.toSorted()], [['one,two'], ['one', 'two']])
  })

  test('whose body fails, or looks at an answer, sends nothing', async (t) => {
    const { database, store, place, stored } = await opened(t)
    const bodies = [
      (tx: Parameters<Parameters<typeof database.pipelined>[0]>[0]) => tx.query({ sql: 'SELECT 1' }),
      async (tx: Parameters<Parameters<typeof database.pipelined>[0]>[0]) =>
        (await tx.execute({ sql: 'INSERT INTO orders (id) VALUES (1)' })).rowCount,
    ]
    for (const body of bodies) {
      await assert.rejects(
        database.pipelined(async (tx) => {
          await store.append(tx, 'a', [event('1')], 'no-stream')
          await body(tx)
        }),
        UnsupportedError,
      )
    }
    // Whatever version there is, it has to be asked for.
    await assert.rejects(place('a', '1', 'any'), UnsupportedError)
    assert.deepEqual(await stored(), [0, 0, 0])
  })
})
