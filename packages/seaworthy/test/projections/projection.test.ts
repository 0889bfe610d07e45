import assert from 'node:assert/strict'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import { ConfigurationError, type Transaction, currentContext } from 'seaworthy/core'
import { eventTypes } from 'seaworthy/event-sourcing'
import type { EventEnvelope } from 'seaworthy/messaging'
import { type Projection, type ProjectionOptions, projection, projectionHandler, startProjection } from 'seaworthy/projections'
import {
  eventStoreSchema,
  migrate,
  openSqliteDatabase,
  projectionStoreSchema,
  sqliteEventStore,
  sqliteProjectionStore,
} from 'seaworthy/sqlite'
import { VirtualClock, eventually } from '@seaworthy/testing'
import { testFolder } from '../sqlite/folder.ts'

interface Deposited {
  readonly amountCents: number
}

/** Balances by stream. `beforeEach` runs before an event is applied. */
function balances(options: { version?: number; beforeEach?: (event: EventEnvelope<Deposited>) => void } = {}): Projection {
  const { version = 1, beforeEach } = options
  return projection<{ deposited: Deposited }>({
    name: 'balances',
    version,
    on: {
      async deposited(tx, event) {
        await tx.execute({
          sql: `INSERT INTO balance (generation, account, cents, events) VALUES (?, ?, ?, 1)
            ON CONFLICT (generation, account) DO UPDATE SET cents = cents + excluded.cents, events = events + 1`,
          params: [version, event.key, event.data.amountCents],
        })
        beforeEach?.(event)
      },
    },
    async reset(tx) {
      await tx.execute({ sql: 'DELETE FROM balance WHERE generation = ?', params: [version] })
    },
  })
}

async function world(t: TestContext) {
  const database = await openSqliteDatabase({ path: join(testFolder(t), 'read.db'), durability: 'process-crash' })
  await migrate(database, [
    eventStoreSchema,
    projectionStoreSchema,
    {
      component: 'read-model',
      versions: [
        'CREATE TABLE balance (generation INTEGER, account TEXT, cents INTEGER, events INTEGER, PRIMARY KEY (generation, account)) STRICT',
      ],
    },
  ])
  const source = sqliteEventStore(database)
  const store = sqliteProjectionStore(database)
  const running: { stop(): Promise<void> }[] = []
  t.after(async () => {
    for (const each of running) await each.stop()
    await database.close()
  })
  let number = 0
  return {
    database,
    source,
    store,
    start: (of: Projection, options: Partial<ProjectionOptions> = {}) => {
      const started = startProjection({ projection: of, source, database, store, pollMs: 5, ...options })
      running.push(started)
      return started
    },
    deposit: (account: string, amountCents: number, type = 'deposited') => {
      const event = { id: `${++number}`, type, schemaVersion: 1, data: { amountCents }, context: { correlationId: `c${number}` } }
      return database.transaction((tx) => source.append(tx, account, [event], 'any'))
    },
    balancesOf: async (generation = 1) => {
      const rows = await database.query<{ account: string; cents: number; events: number }>({
        sql: 'SELECT account, cents, events FROM balance WHERE generation = ? ORDER BY account',
        params: [generation],
      })
      return Object.fromEntries(rows.map(({ account, cents, events }) => [account, [cents, events]]))
    },
  }
}

void suite('a projection of an event store', () => {
  test('applies what is there and what comes, each event once', async (t) => {
    const { start, deposit, balancesOf } = await world(t)
    for (let round = 0; round < 10; round++) await deposit(round % 2 === 0 ? 'a' : 'b', round)
    await deposit('a', 1_000, 'renamed')
    const running = start(balances(), { batchSizeMax: 3 })
    await eventually('it has caught up', async () => (await running.lag()).positions === 0)
    assert.deepEqual(await balancesOf(), { a: [20, 5], b: [25, 5] })
    await deposit('b', 5)
    await eventually('the new event is there', async () => (await running.lag()).positions === 0)
    assert.deepEqual(await balancesOf(), { a: [20, 5], b: [30, 6] })
    assert.deepEqual(running.status, { kind: 'running' })
  })

  test('goes on from its checkpoint when it is started again', async (t) => {
    const { start, deposit, balancesOf } = await world(t)
    await deposit('a', 1)
    const first = start(balances())
    await eventually('it has caught up', async () => (await first.lag()).positions === 0)
    await first.stop()
    assert.deepEqual(first.status, { kind: 'stopped' })
    await deposit('a', 2)
    assert.deepEqual(await first.lag(), { checkpoint: 1, head: 2, positions: 1 })
    const second = start(balances())
    await eventually('it has caught up', async () => (await second.lag()).positions === 0)
    assert.deepEqual(await balancesOf(), { a: [3, 2] })
  })

  test('wakes at a commit, long before it would look again', async (t) => {
    const { start, deposit, balancesOf } = await world(t)
    const running = start(balances(), { clock: new VirtualClock(), pollMs: 60_000 })
    // The virtual clock stands still: nothing but the commit can wake it.
    for (let round = 1; round <= 5; round++) {
      await deposit('a', 1)
      await eventually('it has caught up', async () => (await running.lag()).positions === 0)
    }
    assert.deepEqual(await balancesOf(), { a: [5, 5] })
  })

  test('does not sleep through a commit that came between looking and waiting', async (t) => {
    const { start, deposit, source } = await world(t)
    let late = false
    const racing = Object.assign(Object.create(source) as typeof source, {
      onAppended: source.onAppended.bind(source),
      head: source.head.bind(source),
      readAll: async (options: { after: number; max: number }) => {
        const page = await source.readAll(options)
        if (!late) await deposit('a', 1)
        late = true
        return page
      },
    })
    const running = start(balances(), { source: racing, clock: new VirtualClock() })
    await eventually('it has caught up', async () => late && (await running.lag()).positions === 0)
  })

  test('looks again by itself, for commits that ring no bell here', async (t) => {
    const { start, deposit, balancesOf, source } = await world(t)
    const deaf = Object.assign(Object.create(source) as typeof source, {
      onAppended: () => () => undefined,
      readAll: source.readAll.bind(source),
      head: source.head.bind(source),
    })
    const clock = new VirtualClock()
    const running = start(balances(), { source: deaf, clock, pollMs: 1_000 })
    await eventually('it waits', () => clock.pending.length === 1)
    await deposit('a', 1)
    await clock.advance(999)
    assert.deepEqual(await balancesOf(), {})
    await clock.advance(1)
    await eventually('it has caught up', async () => (await running.lag()).positions === 0)
  })

  test('run twice at one time applies each event once', async (t) => {
    const { start, deposit, balancesOf } = await world(t)
    const [one, other] = [start(balances(), { batchSizeMax: 2 }), start(balances(), { batchSizeMax: 3 })]
    for (let round = 0; round < 50; round++) await deposit('a', 1)
    await eventually('both have caught up', async () => (await one.lag()).positions === 0)
    await Promise.all([one.stop(), other.stop()])
    assert.deepEqual(await balancesOf(), { a: [50, 50] })
  })

  test('stands still at an event that it cannot apply, keeps what is before it, and says which it is', async (t) => {
    const { start, deposit, balancesOf } = await world(t)
    let broken = true
    for (let round = 1; round <= 6; round++) await deposit('a', round)
    const running = start(
      balances({
        beforeEach: (event) => {
          if (broken && event.data.amountCents === 4) throw new Error('division by zero')
        },
      }),
    )
    await eventually('it fails', () => running.status.kind === 'failing' && running.status.attempts > 1)
    assert.deepEqual(running.status.kind === 'failing' && [running.status.event, String(running.status.error)], [
      { type: 'deposited', position: 4 },
      'Error: division by zero',
    ])
    assert.deepEqual(await balancesOf(), { a: [6, 3] })
    assert.deepEqual(await running.lag(), { checkpoint: 3, head: 6, positions: 3 })
    broken = false
    await eventually('it has caught up', async () => (await running.lag()).positions === 0)
    assert.deepEqual(await balancesOf(), { a: [21, 6] })
    assert.deepEqual(running.status, { kind: 'running' })
  })

  test('of a new version is built from the first event beside the old one', async (t) => {
    const { start, deposit, balancesOf } = await world(t)
    await deposit('a', 1)
    const old = start(balances())
    await eventually('the old one has caught up', async () => (await old.lag()).positions === 0)
    const next = start(balances({ version: 2 }))
    await eventually('the new one has caught up', async () => (await next.lag()).positions === 0)
    assert.deepEqual([await balancesOf(1), await balancesOf(2)], [{ a: [1, 1] }, { a: [1, 1] }])
  })

  test('is rebuilt in place from the first event', async (t) => {
    const { start, deposit, balancesOf, database } = await world(t)
    for (let round = 1; round <= 5; round++) await deposit('a', round)
    const running = start(balances())
    await eventually('it has caught up', async () => (await running.lag()).positions === 0)
    await database.transaction((tx) => tx.execute({ sql: 'UPDATE balance SET cents = 666' }))
    await running.rebuild()
    await eventually('it has caught up again', async () => (await running.lag()).positions === 0)
    assert.deepEqual(await balancesOf(), { a: [15, 5] })
  })

  test('that cannot be emptied cannot be rebuilt in place', async (t) => {
    const { start } = await world(t)
    const running = start(projection({ name: 'p', version: 1, on: {} }))
    await assert.rejects(running.rebuild(), ConfigurationError)
  })

  test('gets events in their shape of today, in the context of what caused them', async (t) => {
    const { start, deposit } = await world(t)
    const seen: unknown[] = []
    await deposit('a', 250)
    const running = start(
      projection<{ deposited: { euros: number } }>({
        name: 'p',
        version: 1,
        on: {
          async deposited(_, event) {
            const context = currentContext()
            seen.push([event.data, event.version, event.key, event.sequence, context?.correlationId, context?.causationId])
          },
        },
      }),
      {
        events: eventTypes<{ type: 'deposited'; euros: number }>({
          deposited: { version: 2, upcast: { 1: ({ amountCents }) => ({ euros: Number(amountCents) / 100 }) } },
        }),
      },
    )
    await eventually('it has caught up', async () => (await running.lag()).positions === 0)
    assert.deepEqual(seen, [[{ euros: 2.5 }, 2, 'a', 1, 'c1', '1']])
  })

  test('ends with the signal it was given, and leaves no timer', async (t) => {
    const { start } = await world(t)
    const clock = new VirtualClock()
    const controller = new AbortController()
    const running = start(balances(), { clock, signal: controller.signal })
    await eventually('it waits', () => clock.pending.length === 1)
    controller.abort()
    await eventually('it has stopped', () => running.status.kind === 'stopped')
    assert.deepEqual(clock.pending, [])
  })
})

test('a projection as a handler applies the events it names, in the transaction it is given', async () => {
  const applied: unknown[] = []
  const handle = projectionHandler(
    projection<{ deposited: Deposited }>({
      name: 'p',
      version: 1,
      on: {
        async deposited(tx, event) {
          applied.push([tx, event.data.amountCents])
        },
      },
    }),
  )
  const tx = {} as Transaction
  const event = (type: string): EventEnvelope => ({
    id: '1',
    type,
    version: 1,
    source: 's',
    key: 'k',
    sequence: 1,
    time: '2026-01-01T00:00:00Z',
    correlationId: 'c',
    data: { amountCents: 3 },
  })
  await handle(event('deposited'), tx)
  await handle(event('constructor'), tx)
  assert.deepEqual(applied, [[tx, 3]])
})
