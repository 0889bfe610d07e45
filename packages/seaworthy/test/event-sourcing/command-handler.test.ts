import assert from 'node:assert/strict'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { type Database, RejectedError, type Transaction, rootContext } from 'seaworthy/core'
import { type EventStore, WrongExpectedVersionError, commandHandler, decider, eventTypes } from 'seaworthy/event-sourcing'
import { eventStoreSchema, migrate, openSqliteDatabase, sqliteEventStore } from 'seaworthy/sqlite'
import { InMemoryTransaction, VirtualClock, inMemoryDatabase, inMemoryEventStore } from '@seaworthy/testing'
import { testFolder } from '../sqlite/folder.ts'
import { type AccountCommand, account, accountEvents } from './account.ts'

const open: AccountCommand = { type: 'open', owner: 'ada' }
const deposit = (amountCents: number): AccountCommand => ({ type: 'deposit', amountCents })
const withdraw = (amountCents: number): AccountCommand => ({ type: 'withdraw', amountCents })

function accountsIn(
  options: { store?: EventStore; database?: Database; snapshotEvery?: number; schemaVersion?: number; conflictRetriesMax?: number } = {},
) {
  const database = options.database ?? inMemoryDatabase()
  const store = options.store ?? inMemoryEventStore()
  const accounts = commandHandler({ decider: account, events: accountEvents, schemaVersion: 1, ...options, database, store })
  return { accounts, database, store }
}

void suite('a command', () => {
  test('is decided on the state that the stream makes, and its events are appended', async () => {
    const { accounts, store } = accountsIn()
    assert.deepEqual(await accounts.execute('a', open), {
      state: { owner: 'ada', balanceCents: 0, movements: 0 },
      version: 1,
      events: [{ type: 'opened', owner: 'ada' }],
      repeated: false,
    })
    await accounts.execute('a', deposit(100))
    const { state, version } = await accounts.execute('a', withdraw(30))
    assert.deepEqual([state.balanceCents, version], [70, 3])
    assert.deepEqual(await accounts.load('a'), { state, version: 3, snapshotVersion: 0 })
    const [, deposited] = await store.read('a')
    assert.deepEqual([deposited?.type, deposited?.data, deposited?.schemaVersion], ['deposited', { amountCents: 100 }, 1])
  })

  test('that is refused, or has nothing to do, leaves no event', async () => {
    const { accounts, store } = accountsIn()
    await accounts.execute('a', open)
    await assert.rejects(accounts.execute('a', withdraw(1)), (error) => error instanceof RejectedError && error.reason === 'overdrawn')
    assert.deepEqual(await accounts.execute('a', open), {
      state: { owner: 'ada', balanceCents: 0, movements: 0 },
      version: 1,
      events: [],
      repeated: false,
    })
    assert.equal((await store.read('a')).length, 1)
  })

  test('leaves correlation and causation with its events', async () => {
    const { accounts, store } = accountsIn()
    await accounts.execute('a', open, { context: rootContext({ correlationId: 'conversation', actor: 'ada' }), commandId: 'command' })
    const [event] = await store.read('a')
    assert.deepEqual(event?.context, { correlationId: 'conversation', actor: 'ada', causationId: 'command' })
  })

  test('that is repeated under its id gets the first answer, even where it would be refused now', async () => {
    const { accounts, store } = accountsIn()
    await accounts.execute('a', open)
    await accounts.execute('a', deposit(100))
    const first = await accounts.execute('a', withdraw(80), { commandId: 'w' })
    await accounts.execute('a', deposit(1))
    const again = await accounts.execute('a', withdraw(80), { commandId: 'w' })
    assert.deepEqual([first.repeated, again.repeated], [false, true])
    assert.deepEqual([again.events, again.version], [first.events, first.version])
    assert.equal(again.state.balanceCents, 21)
    assert.equal((await store.read('a')).length, 4)
  })

  test('commits with what its caller writes, or not at all', async () => {
    const { accounts, store, database } = accountsIn()
    const failing = database.transaction(async (tx: Transaction) => {
      await accounts.executeIn(tx, 'a', open)
      await accounts.executeIn(tx, 'a', deposit(5))
      assert.equal((await accounts.load('a', tx)).state.balanceCents, 5)
      throw new Error('the outbox is full')
    })
    await assert.rejects(failing, /outbox/)
    assert.deepEqual(await store.read('a'), [])
  })
})

/** Transactions that run side by side, as on PostgreSQL. */
function overlappingDatabase(): Database {
  const refused = () => Promise.reject(new Error('There is no SQL here.'))
  return {
    dialect: 'postgres',
    durability: 'process-crash',
    concurrency: 'overlapping',
    atomically: refused,
    query: refused,
    close: () => Promise.resolve(),
    async transaction(body) {
      const tx = new InMemoryTransaction()
      try {
        const value = await body(tx)
        tx.end('commit')
        return value
      } catch (error) {
        tx.end('rollback')
        throw error
      }
    },
  }
}

void suite('commands that race for one stream', () => {
  test('are all decided, each on the state that the one before left', async () => {
    const { accounts, store } = accountsIn({ database: overlappingDatabase(), conflictRetriesMax: 50 })
    await accounts.execute('a', open)
    await accounts.execute('a', deposit(10))
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => accounts.execute('a', withdraw(1))))
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 10)
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') assert.ok(outcome.reason instanceof RejectedError && outcome.reason.reason === 'overdrawn')
    }
    assert.equal((await accounts.load('a')).state.balanceCents, 0)
    assert.equal((await store.read('a')).length, 12)
  })

  test('are tried again no more often than allowed, and the loser is told both versions', async () => {
    const clock = new VirtualClock()
    const database = inMemoryDatabase()
    const store = inMemoryEventStore()
    let decisions = 0
    const rival = () => ({ id: `rival ${decisions}`, type: 'added', schemaVersion: 1, data: {}, context: { correlationId: 'c' } })
    const losing: EventStore = Object.assign(Object.create(store) as EventStore, {
      // Somebody else is always faster.
      append: async (...[tx, stream, , expected]: Parameters<EventStore['append']>) => {
        decisions++
        const actual = await store.append(tx, stream, [rival()], 'any')
        throw new WrongExpectedVersionError(stream, { expected, actual })
      },
      read: store.read.bind(store),
    })
    const counter = commandHandler({
      decider: decider<number, { type: 'add' }, { type: 'added' }>({
        initial: () => 0,
        decide: () => [{ type: 'added' }],
        evolve: (state) => state + 1,
      }),
      events: eventTypes<{ type: 'added' }>({ added: { version: 1 } }),
      store: losing,
      database,
      schemaVersion: 1,
      conflictRetriesMax: 3,
      clock,
    })
    const lost = assert.rejects(counter.execute('a', { type: 'add' }), (error) => {
      assert.ok(error instanceof WrongExpectedVersionError)
      assert.deepEqual([error.expected, error.actual, error.executed], ['no-stream', 1, 'no'])
      return true
    })
    for (let retry = 0; retry < 3; retry++) await clock.advanceToNext()
    await lost
    assert.equal(decisions, 4)
    assert.deepEqual(clock.pending, [])
  })

  test('of one id take effect once', async () => {
    const { accounts, store } = accountsIn({ database: overlappingDatabase(), conflictRetriesMax: 50 })
    await accounts.execute('a', open)
    const results = await Promise.all(Array.from({ length: 10 }, () => accounts.execute('a', deposit(7), { commandId: 'd' })))
    assert.deepEqual(new Set(results.map(({ version }) => version)), new Set([2]))
    assert.equal((await store.read('a')).length, 2)
  })

  test('of one id come to what was stored where the slower one decided on more', async () => {
    type Paid = { readonly type: 'paid' | 'first' }
    const [database, inner] = [overlappingDatabase(), inMemoryEventStore()]
    const payer = decider<number, { readonly type: 'pay' }, Paid>({
      initial: () => 0,
      decide: (_, paid) => (paid === 0 ? [{ type: 'paid' }, { type: 'first' }] : [{ type: 'paid' }]),
      evolve: (paid) => paid + 1,
    })
    const options = {
      decider: payer,
      events: eventTypes<Paid>({ paid: { version: 1 }, first: { version: 1 } }),
      schemaVersion: 1,
      database,
    }
    const rival = commandHandler({ ...options, store: inner })
    const store: EventStore = new Proxy(inner, {
      get(target, name) {
        const method = (Reflect.get(target, name) as ((...args: unknown[]) => unknown) | undefined)?.bind(target)
        if (name !== 'append') return method
        return async (...args: unknown[]) => {
          await rival.execute('a', { type: 'pay' })
          await rival.execute('a', { type: 'pay' }, { commandId: 'd' })
          return method?.(...args)
        }
      },
    })
    const result = await commandHandler({ ...options, store }).execute('a', { type: 'pay' }, { commandId: 'd' })
    assert.deepEqual(result, { state: 3, version: 3, events: [{ type: 'paid' }], repeated: true })
  })

  for (const { when, snapshotEvery } of [{ when: 'find' }, { when: 'append' }, { when: 'append', snapshotEvery: 1 }] as const) {
    const taking = snapshotEvery === undefined ? '' : ' with a snapshot'
    test(`of one id come to what was stored, and not to what the slower one decided: by its ${when}${taking}`, async () => {
      const [database, inner] = [overlappingDatabase(), inMemoryEventStore()]
      const { accounts: rival } = accountsIn({ database, store: inner })
      await rival.execute('a', open)
      await rival.execute('a', deposit(10))
      let isOver = false
      const slow = async () => {
        if (isOver) return
        isOver = true
        await rival.execute('a', withdraw(10))
        await rival.execute('a', deposit(7), { commandId: 'd' })
      }
      const store: EventStore = new Proxy(inner, {
        get(target, name) {
          const method = (Reflect.get(target, name) as ((...args: unknown[]) => unknown) | undefined)?.bind(target)
          return name === when ? (...args: unknown[]) => slow().then(() => method?.(...args)) : method
        },
      })
      const { accounts } = accountsIn({ database, store, ...(snapshotEvery !== undefined && { snapshotEvery }) })
      const stored = { owner: 'ada', balanceCents: 7, movements: 3 }
      const events = [{ type: 'deposited', amountCents: 7 }]
      assert.deepEqual(await accounts.execute('a', deposit(7), { commandId: 'd' }), { state: stored, version: 4, events, repeated: true })
      assert.deepEqual((await accounts.load('a')).state, stored)
    })
  }
})

void suite('a command on a store whose appends go by themselves', () => {
  /** As an engine that gathers appends: each is counted, and its transaction is none of the handler's. */
  function alone(options: Parameters<typeof accountsIn>[0] = {}) {
    const [database, inner] = [overlappingDatabase(), inMemoryEventStore()]
    const appends = { alone: 0, inTransactions: 0 }
    const store: EventStore = Object.assign(Object.create(inner) as EventStore, {
      ...(Object.fromEntries(
        (['read', 'find', 'loadSnapshot', 'saveSnapshot'] as const).map((name) => [name, (inner[name] as () => unknown).bind(inner)]),
      ) as object),
      append: (...args: Parameters<EventStore['append']>) => {
        appends.inTransactions++
        return inner.append(...args)
      },
      appendAlone: async (...[stream, events, expected]: Parameters<NonNullable<EventStore['appendAlone']>>) => {
        appends.alone++
        // Others come in between.
        await new Promise((resolve) => setImmediate(resolve))
        return database.transaction((tx) => inner.append(tx, stream, events, expected))
      },
    })
    return { ...accountsIn({ database, store, conflictRetriesMax: 50, ...options }), appends }
  }

  test('is appended without a transaction around it, and comes to the same', async () => {
    const { accounts, appends } = alone()
    const plain = accountsIn()
    for (const command of [open, deposit(100), withdraw(30), open]) {
      assert.deepEqual(await accounts.execute('a', command), await plain.accounts.execute('a', command))
    }
    await assert.rejects(accounts.execute('a', withdraw(71)), (error) => error instanceof RejectedError && error.reason === 'overdrawn')
    assert.deepEqual(appends, { alone: 3, inTransactions: 0 })
  })

  test('is decided again where somebody else was faster, and once for each id', async () => {
    const { accounts, store, appends } = alone()
    await accounts.execute('a', open)
    await accounts.execute('a', deposit(10))
    const outcomes = await Promise.allSettled([
      ...Array.from({ length: 20 }, (_, number) => accounts.execute('a', withdraw(1), { commandId: `w${number % 10}` })),
      ...Array.from({ length: 5 }, () => accounts.execute('a', withdraw(1))),
    ])
    assert.equal((await accounts.load('a')).state.balanceCents, 0)
    const stored = await store.read('a')
    assert.deepEqual([stored.length, new Set(stored.map(({ id }) => id)).size], [12, 12])
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') assert.ok(outcome.reason instanceof RejectedError && outcome.reason.reason === 'overdrawn')
    }
    assert.ok(appends.alone > 12, 'nobody was in the way of anybody')
  })

  test('is appended in one transaction with the snapshot that is due', async () => {
    const { accounts, store, appends } = alone({ snapshotEvery: 3 })
    for (const command of [open, deposit(1), deposit(2), deposit(3)]) await accounts.execute('a', command)
    assert.deepEqual(appends, { alone: 3, inTransactions: 1 })
    assert.equal((await store.loadSnapshot('a'))?.version, 3)
    assert.equal((await accounts.load('a')).state.balanceCents, 6)
  })

  test('whose caller has given up is not begun', async () => {
    const { accounts, store } = alone()
    const signal = AbortSignal.abort(new Error('enough'))
    await assert.rejects(accounts.execute('a', open, { context: rootContext({ signal }) }), /enough/)
    assert.deepEqual(await store.read('a'), [])
  })
})

void suite('a snapshot', () => {
  const commands = fc.array(fc.oneof(fc.nat(50).map(deposit), fc.nat(80).map(withdraw), fc.constant(open)), { maxLength: 40 })

  test('changes nothing but the speed', async () => {
    await fc.assert(
      fc.asyncProperty(commands, fc.integer({ min: 1, max: 6 }), async (sequence, snapshotEvery) => {
        const plain = accountsIn()
        const quick = accountsIn({ snapshotEvery })
        const outcome = async (run: Promise<object>) => run.catch((error: unknown) => (error as RejectedError).reason)
        for (const command of [open, ...sequence]) {
          assert.deepEqual(await outcome(quick.accounts.execute('a', command)), await outcome(plain.accounts.execute('a', command)))
        }
        const { state, version } = await plain.accounts.load('a')
        const loaded = await quick.accounts.load('a')
        assert.deepEqual({ state: loaded.state, version: loaded.version }, { state, version })
        assert.ok(version - loaded.snapshotVersion < snapshotEvery, 'no snapshot was used')
      }),
      { numRuns: 50 },
    )
  })

  test('of another version of the code is ignored, and replaced', async () => {
    const { store, database, accounts: old } = accountsIn({ snapshotEvery: 2, schemaVersion: 7 })
    await old.execute('a', open)
    await old.execute('a', deposit(100))
    for (const schemaVersion of [6, 8]) {
      const poisoned = {
        stream: 'a',
        version: 2,
        schemaVersion,
        state: { owner: 'eve', balanceCents: 1_000_000, movements: 0 },
        takenAtMs: 1,
      }
      await database.transaction((tx) => store.saveSnapshot(tx, poisoned))
      assert.deepEqual(await old.load('a'), { state: { owner: 'ada', balanceCents: 100, movements: 1 }, version: 2, snapshotVersion: 0 })
    }
    await old.execute('a', deposit(1))
    assert.deepEqual(await old.load('a'), { state: { owner: 'ada', balanceCents: 101, movements: 2 }, version: 3, snapshotVersion: 3 })
  })

  test('is not used by code that keeps none', async () => {
    const { store, database, accounts } = accountsIn()
    await accounts.execute('a', open)
    await database.transaction((tx) =>
      store.saveSnapshot(tx, { stream: 'a', version: 1, schemaVersion: 1, state: { owner: 'eve' }, takenAtMs: 1 }),
    )
    assert.equal((await accounts.load('a')).state.owner, 'ada')
  })

  test('of a state that does not survive JSON is not kept, and the command goes through', async () => {
    const warnings: string[] = []
    const listen = (warning: Error) => warnings.push(warning.message)
    process.on('warning', listen)
    try {
      const store = inMemoryEventStore()
      const tags = commandHandler({
        decider: decider<Set<number>, { type: 'add' }, { type: 'added'; at: number }>({
          initial: () => new Set(),
          decide: (_, state) => [{ type: 'added', at: state.size }],
          evolve: (state, { at }) => new Set([...state, at]),
        }),
        events: eventTypes<{ type: 'added'; at: number }>({ added: { version: 1 } }),
        store,
        database: inMemoryDatabase(),
        schemaVersion: 1,
        snapshotEvery: 1,
      })
      await tags.execute('a', { type: 'add' })
      const { state } = await tags.execute('a', { type: 'add' })
      assert.deepEqual(state, new Set([0, 1]))
      assert.equal(await store.loadSnapshot('a'), undefined)
      await new Promise((resolve) => setImmediate(resolve))
      assert.equal(warnings.filter((text) => text.includes('does not survive JSON')).length, 1)
    } finally {
      process.off('warning', listen)
    }
  })
})

test('a stream of 10,000 events is read in pages, and from its snapshot on alone', async (t) => {
  const database = await openSqliteDatabase({ path: join(testFolder(t), 'events.db'), durability: 'process-crash' })
  t.after(() => database.close())
  await migrate(database, [eventStoreSchema])
  const store = sqliteEventStore(database)
  const pages: number[] = []
  const watched: EventStore = Object.assign(Object.create(store) as EventStore, {
    read: async (...args: Parameters<EventStore['read']>) => {
      const page = await store.read(...args)
      pages.push(page.length)
      return page
    },
    loadSnapshot: store.loadSnapshot.bind(store),
    append: store.append.bind(store),
    saveSnapshot: store.saveSnapshot.bind(store),
  })
  const handler = { decider: account, events: accountEvents, store: watched, database, schemaVersion: 1 }
  const plain = commandHandler(handler)
  await plain.execute('a', open)
  const context = { correlationId: 'c' }
  await database.transaction(async (tx) => {
    const events = Array.from({ length: 9_999 }, (_, index) => ({
      id: `d${index}`,
      type: 'deposited',
      schemaVersion: 1,
      data: { amountCents: 1 },
      context,
    }))
    await store.append(tx, 'a', events, 1)
  })
  pages.length = 0
  const { state, version } = await plain.load('a')
  assert.deepEqual([state.balanceCents, version], [9_999, 10_000])
  assert.ok(pages.every((length) => length <= 1_000) && pages.length >= 10, `pages of ${pages.join(', ')}`)

  const quick = commandHandler({ ...handler, snapshotEvery: 100 })
  await quick.execute('a', deposit(1))
  pages.length = 0
  assert.equal((await quick.load('a')).state.balanceCents, 10_000)
  assert.deepEqual(pages, [0])
})

test('the backoff between conflicts ends when the caller gives up', async () => {
  const clock = new VirtualClock()
  const controller = new AbortController()
  const store = inMemoryEventStore()
  const losing: EventStore = Object.assign(Object.create(store) as EventStore, {
    append: (...[, stream, , expected]: Parameters<EventStore['append']>) =>
      Promise.reject(new WrongExpectedVersionError(stream, { expected, actual: 1 })),
    read: store.read.bind(store),
  })
  const accounts = commandHandler({
    decider: account,
    events: accountEvents,
    store: losing,
    database: inMemoryDatabase(),
    schemaVersion: 1,
    clock,
    random: { float: () => 0.5, fill: (bytes) => bytes },
  })
  const gaveUp = assert.rejects(accounts.execute('a', open, { context: rootContext({ signal: controller.signal }) }), /enough/)
  while (clock.pending.length === 0) await clock.advance(0)
  controller.abort(new Error('enough'))
  await gaveUp
  assert.deepEqual(clock.pending, [])
})
