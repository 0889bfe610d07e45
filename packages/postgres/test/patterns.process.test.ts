import assert from 'node:assert/strict'
import { type TestContext, suite, test } from 'node:test'
import { RejectedError, UnknownOutcomeError, exponential, seededRandom } from 'seaworthy/core'
import { commandHandler, decider, eventTypes } from 'seaworthy/event-sourcing'
import { type EventEnvelope, startConsumer } from 'seaworthy/messaging'
import { inbox, outbox, startRelay } from 'seaworthy/outbox'
import { projection, startProjection } from 'seaworthy/projections'
import { orchestrator, participant, saga } from 'seaworthy/saga'
import {
  consumerStoreSchema,
  eventStoreSchema,
  inboxStoreSchema,
  migrate,
  outboxStoreSchema,
  participantStoreSchema,
  postgresConsumerStore,
  postgresEventStore,
  postgresInboxStore,
  postgresOutboxStore,
  postgresParticipantStore,
  postgresProjectionStore,
  postgresSagaStore,
  projectionStoreSchema,
  sagaStoreSchema,
} from '@seaworthy/postgres'
import { eventually, inMemoryEventLog } from '@seaworthy/testing'
import { databaseForTest } from './server.ts'

// What the patterns do is tested beside them. These hold that they do it where transactions overlap.

async function open(t: TestContext, tables: string) {
  const under = await databaseForTest()
  t.after(under.dispose)
  await migrate(under.database, [
    outboxStoreSchema,
    inboxStoreSchema,
    consumerStoreSchema,
    eventStoreSchema,
    projectionStoreSchema,
    sagaStoreSchema,
    participantStoreSchema,
    { component: 'test', versions: [tables] },
  ])
  return under
}

function numbered(key: string, n: number): EventEnvelope {
  const id = `${key}/${n}/${Math.random()}`
  return {
    id,
    type: 'counted',
    version: 1,
    source: 'things',
    key,
    sequence: 0,
    time: '2026-01-01T00:00:00Z',
    correlationId: 'c',
    data: { n },
  }
}

suite('the patterns where transactions overlap', () => {
  test('each commit has one effect, in the order of its key, none for a rollback', async (t) => {
    const { database, openAnother } = await open(
      t,
      `CREATE TABLE counter (key text PRIMARY KEY, n int NOT NULL);
       CREATE TABLE effect (position bigint GENERATED ALWAYS AS IDENTITY, key text NOT NULL, n int NOT NULL)`,
    )
    const store = postgresOutboxStore(database)
    const events = outbox({ store, topics: ['things'] })
    const log = inMemoryEventLog()
    const relay = startRelay({ store, log, batchSizeMax: 7 })
    const listening = await openAnother()
    const box = inbox({ store: postgresInboxStore(listening), database: listening, consumer: 'listener' })
    const consumer = await startConsumer({
      log,
      group: 'listener',
      topics: ['things'],
      store: postgresConsumerStore(listening),
      onPoison: 'park-key',
      concurrencyMax: 8,
      backoff: exponential({ baseMs: 2, maxMs: 20 }),
      handler: box.handle(async ({ key, data }, tx) => {
        await tx.execute({ sql: 'INSERT INTO effect (key, n) VALUES ($1, $2)', params: [key, (data as { n: number }).n] })
      }),
    })
    t.after(async () => {
      await relay.stop()
      await consumer.stop()
    })
    const random = seededRandom(3)
    const committed = new Map<string, number>()
    await Promise.all(
      Array.from({ length: 200 }, async () => {
        const key = `key-${Math.floor(random.float() * 6)}`
        const fails = random.float() < 0.2
        const counting = database.transaction(async (tx) => {
          const sql = 'INSERT INTO counter AS c (key, n) VALUES ($1, 1) ON CONFLICT (key) DO UPDATE SET n = c.n + 1 RETURNING n'
          const [row] = await tx.query<{ n: number }>({ sql, params: [key] })
          await events.add(tx, numbered(key, row!.n))
          if (fails) throw new Error('rolled back')
        })
        await counting.then(
          () => committed.set(key, (committed.get(key) ?? 0) + 1),
          (error: unknown) => assert.match(String(error), /rolled back/),
        )
      }),
    )
    const total = [...committed.values()].reduce((sum, n) => sum + n, 0)
    assert.ok(total > 100 && total < 200)
    const effects = () => database.query<{ key: string; n: number }>({ sql: 'SELECT key, n FROM effect ORDER BY position' })
    await eventually('every effect is there', async () => (await effects()).length >= total, { withinMs: 30_000 })
    for (const [key, count] of committed) {
      const numbers = (await effects()).filter((effect) => effect.key === key).map(({ n }) => n)
      assert.deepEqual(
        numbers,
        Array.from({ length: count }, (_, index) => index + 1),
      )
    }
  })

  test('commands of several processes for one stream all count, and a projection sees each event once', async (t) => {
    const { database, openAnother } = await open(t, 'CREATE TABLE balance (account text PRIMARY KEY, cents bigint NOT NULL)')
    type Deposited = { readonly type: 'deposited'; readonly cents: number }
    type Deposit = { readonly type: 'deposit'; readonly cents: number }
    const account = decider<number, Deposit, Deposited>({
      initial: () => 0,
      decide: ({ cents }) => [{ type: 'deposited', cents }],
      evolve: (balance, { cents }) => balance + cents,
    })
    const handlerOn = (on: typeof database) =>
      commandHandler({
        decider: account,
        events: eventTypes<Deposited>({ deposited: { version: 1 } }),
        store: postgresEventStore(on),
        database: on,
        schemaVersion: 1,
        snapshotEvery: 5,
        conflictRetriesMax: 100,
      })
    const processes = [handlerOn(database), handlerOn(await openAnother())] as const
    const reading = await openAnother()
    const running = startProjection({
      projection: projection<{ deposited: Deposited }>({
        name: 'balances',
        version: 1,
        on: {
          deposited: async (tx, { key, data }) => {
            const sql =
              'INSERT INTO balance AS b (account, cents) VALUES ($1, $2) ON CONFLICT (account) DO UPDATE SET cents = b.cents + excluded.cents'
            await tx.execute({ sql, params: [key, data.cents] })
          },
        },
      }),
      source: postgresEventStore(reading),
      database: reading,
      store: postgresProjectionStore(reading),
      pollMs: 50,
    })
    t.after(() => running.stop())
    await Promise.all(
      Array.from({ length: 60 }, (_, index) => processes[index % 2]!.execute(`account-${index % 3}`, { type: 'deposit', cents: 1 })),
    )
    for (let index = 0; index < 3; index++) assert.equal((await processes[0].load(`account-${index}`)).state, 20)
    await eventually('the read model has all', async () => (await running.lag()).positions === 0, { withinMs: 30_000 })
    assert.deepEqual(await database.query({ sql: 'SELECT account, cents FROM balance ORDER BY account' }), [
      { account: 'account-0', cents: 20 },
      { account: 'account-1', cents: 20 },
      { account: 'account-2', cents: 20 },
    ])
  })

  test('sagas side by side end with every charge made once or undone', async (t) => {
    const { database, openAnother } = await open(t, 'CREATE TABLE charge (key text PRIMARY KEY, cents int NOT NULL)')
    const paying = await openAnother()
    const payments = participant({ database: paying, store: postgresParticipantStore(paying) })
    const lost = new Set<string>()
    const checkout = saga<{ readonly number: number }>('checkout', { version: 1 })
      .step('charge', {
        run: async (s) => {
          const charged = await payments.act(s.key, 'charge', async (tx) => {
            await tx.execute({ sql: 'INSERT INTO charge VALUES ($1, 5)', params: [s.key] })
            return 'charged'
          })
          // The answer of every second first call is lost: it is asked again under its key.
          if (s.input.number % 2 === 0 && !lost.has(s.key)) {
            lost.add(s.key)
            throw new UnknownOutcomeError('The connection was reset.')
          }
          return charged
        },
        compensate: async (s) => {
          await payments.compensate(s.key, async (tx) => {
            await tx.execute({ sql: 'DELETE FROM charge WHERE key = $1', params: [s.key] })
          })
        },
      })
      .pivot('book', {
        run: async (s) => {
          if (s.input.number % 3 === 0) throw new RejectedError('no-truck', 'There is no truck.')
          return 'booked'
        },
      })
    const sagas = orchestrator({ sagas: [checkout], store: postgresSagaStore(database), database })
    t.after(() => sagas.stop())
    const ids = Array.from({ length: 24 }, (_, number) => `order-${number}`)
    await Promise.all(ids.map((id, number) => database.transaction((tx) => sagas.start(tx, checkout, { id, input: { number } }))))
    const ended = await Promise.all(ids.map((id) => sagas.settled(id, { timeoutMs: 60_000 })))
    assert.deepEqual(
      ended.map((record) => record?.status),
      ids.map((_, number) => (number % 3 === 0 ? 'compensated' : 'completed')),
    )
    assert.ok(lost.size === 12, 'no answer was lost')
    assert.deepEqual(await database.query({ sql: 'SELECT count(*) AS charges, sum(cents) AS cents FROM charge' }), [
      { charges: 16, cents: 80 },
    ])
  })
})
