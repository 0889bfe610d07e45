import assert from 'node:assert/strict'
import { type TestContext, suite, test } from 'node:test'
import { type LeaseStore, UnavailableError } from 'seaworthy/core'
import {
  type DocumentProjectionOptions,
  type RunningDocumentProjection,
  documentProjection,
  startDocumentProjection,
  switchVersion,
} from 'seaworthy/projections'
import {
  eventStoreSchema,
  leaseStoreSchema,
  migrate,
  postgresEventStore,
  postgresLeaseStore,
  postgresReadStore,
  readStoreSchema,
} from '@seaworthy/postgres'
import { eventually } from '@seaworthy/testing'
import { databaseForTest } from './server.ts'

const PARTITIONS = 6
const ACCOUNTS = Array.from({ length: 12 }, (_, n) => `account-${n}`)

const balances = (version: number) =>
  documentProjection<{ cents: number; events: number }, { deposited: { cents: number } }>({
    name: 'balances',
    version,
    partitions: PARTITIONS,
    on: {
      deposited: (balance, { data }) => ({ cents: (balance?.cents ?? 0) + data.cents, events: (balance?.events ?? 0) + 1 }),
    },
    listing: ({ cents }) => ({ in: 'all', at: cents }),
  })

async function world(t: TestContext) {
  const { database, openAnother, dispose } = await databaseForTest()
  const running: RunningDocumentProjection[] = []
  t.after(async () => {
    await Promise.all(running.map((one) => one.stop()))
    await dispose()
  })
  await migrate(database, [eventStoreSchema, readStoreSchema, leaseStoreSchema])
  const source = postgresEventStore(database)
  const store = postgresReadStore(database)
  let number = 0
  return {
    source,
    store,
    deposit: (account: string) => {
      const id = `d${++number}`
      const event = { id, type: 'deposited', schemaVersion: 1, data: { cents: 1 }, context: { correlationId: id } }
      return database.transaction((tx) => source.append(tx, account, [event], 'any'))
    },
    /** A worker with a session of its own, as in another process. */
    worker: async (version: number, options: Partial<DocumentProjectionOptions> = {}) => {
      const own = await openAnother()
      const from = { source: postgresEventStore(own), store: postgresReadStore(own) }
      const started = startDocumentProjection({ projection: balances(version), ...from, batchSizeMax: 5, pollMs: 20, ...options })
      running.push(started)
      return started
    },
    leases: async () => postgresLeaseStore(await openAnother()),
    eventsOf: async () => {
      const { documents } = await store.list('balances', { in: 'all', offset: 0, max: 100 })
      return documents.reduce((sum, { document }) => sum + (document as { events: number }).events, 0)
    },
  }
}

/** Leases that a process cannot reach any more. */
function mortal(leases: LeaseStore) {
  let dead = false
  const unlessDead = <T>(work: () => Promise<T>) => (dead ? Promise.reject(new UnavailableError('dead')) : work())
  const store: LeaseStore = {
    acquire: (names, holder, ttlMs) => unlessDead(() => leases.acquire(names, holder, ttlMs)),
    release: (held) => unlessDead(() => leases.release(held)),
    held: (prefix) => unlessDead(() => leases.held(prefix)),
    fence: (tx, lease) => unlessDead(() => leases.fence(tx, lease)),
  }
  return { store, die: () => (dead = true) }
}

suite('documents on PostgreSQL', () => {
  test('are built by several workers, each some partitions; what one leaves, or dies with, others go on with, and each event counts once', async (t) => {
    const { source, deposit, worker, leases, eventsOf, store } = await world(t)
    const share = (holder: string, of: LeaseStore) => ({ share: { leases: of, holder, ttlMs: 600 } })
    const dying = mortal(await leases())
    const one = await worker(1, share('one', dying.store))
    const two = await worker(1, share('two', await leases()))
    const three = await worker(1, share('three', await leases()))
    let appended = 0
    const appending = async (rounds: number) => {
      for (let round = 0; round < rounds; round++) {
        await Promise.all(ACCOUNTS.map((account) => deposit(account)))
        appended += ACCOUNTS.length
      }
    }
    await appending(5)
    const sizes = () => [one, two, three].map((each) => each.partitions.size)
    await eventually('each has two parts', () => sizes().every((size) => size === 2), { withinMs: 20_000 })
    const parts = [one, two, three].flatMap((each) => [...each.partitions.keys()])
    assert.deepEqual(new Set(parts), new Set([0, 1, 2, 3, 4, 5]))
    dying.die()
    const stopped = three.stop()
    await appending(10)
    await stopped
    await eventually('one worker has all parts', () => two.partitions.size === PARTITIONS, { withinMs: 20_000 })
    await eventually('all are caught up', async () => (await two.lag()).checkpoint >= (await source.head()), { withinMs: 20_000 })
    assert.equal(one.partitions.size, 0)
    assert.equal(await eventsOf(), appended)
    assert.equal((await store.versions('balances')).live, 1)
  })

  test('are switched while both versions are written by several sessions, and nobody reads anything older than before', async (t) => {
    const { source, store, deposit, worker } = await world(t)
    await Promise.all(ACCOUNTS.map((account) => deposit(account)))
    await worker(1)
    await eventually('version 1 answers', async () => (await store.versions('balances')).live === 1)
    await worker(2)
    const state = { over: false, reads: 0 }
    const seen = new Map<string, number>()
    const readers = ACCOUNTS.slice(0, 3).map(async (account) => {
      for (; !state.over; state.reads++) {
        const { document } = await store.find('balances', account)
        const { events } = (document?.document ?? { events: 0 }) as { events: number }
        assert.ok(events >= (seen.get(account) ?? 0), `${account}: ${events} events after ${seen.get(account)}`)
        seen.set(account, events)
      }
    })
    const writers = ACCOUNTS.slice(0, 3).map(async (account) => {
      while (!state.over) await deposit(account)
    })
    const report = await switchVersion({ projection: balances(2), source, store, mayDiffer: () => false }).finally(
      () => (state.over = true),
    )
    await Promise.all([...readers, ...writers])
    assert.deepEqual(report, { from: 1, to: 2, compared: ACCOUNTS.length, differing: 0 })
    assert.ok(state.reads > 0)
  })
})
