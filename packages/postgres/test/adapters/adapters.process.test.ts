import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Clock, Database } from 'seaworthy/core'
import { ConfigurationError } from 'seaworthy/core'
import type { EventEnvelope } from 'seaworthy/messaging'
import { type OutboxEntry, outbox } from 'seaworthy/outbox'
import {
  ConnectionLostError,
  DeadlockError,
  type JoinedTransaction,
  PostgresBusyError,
  PostgresConstraintError,
  type PostgresDatabase,
  TransactionEndedError,
  TransactionLostError,
  inboxStoreSchema,
  migrate,
  outboxStoreSchema,
  postgresInboxStore,
  postgresOutboxStore,
} from '@seaworthy/postgres'
import { eventually, inboxStoreContract, outboxStoreContract } from '@seaworthy/testing'
import { databaseForTest } from '../server.ts'
import { type Library, type LibraryUnderTest, type OwnTransaction, LIBRARIES } from './libraries.ts'

const ALL = 1_000_000
const ORDERS = { component: 'test', versions: ['CREATE TABLE orders (id text PRIMARY KEY)'] }

let made = 0
function event(key: string, data: unknown = { cents: 1 }, topic = 'orders'): EventEnvelope {
  const id = `event-${++made}`
  const time = '2026-01-01T00:00:00Z'
  return { id, type: 'order.placed', version: 1, source: topic, key, sequence: 0, time, correlationId: 'c', data }
}

const summary = (entries: readonly OutboxEntry[]) => entries.map(({ event }) => `${event.key}${event.sequence}`)

async function open(library: Library, connectionsMax = 4) {
  const under = await databaseForTest()
  await migrate(under.database, [outboxStoreSchema, inboxStoreSchema, ORDERS])
  const store = postgresOutboxStore(under.database)
  const own = library.open(under.url, { connectionsMax })
  return {
    ...under,
    store,
    events: outbox({ store }),
    own,
    observer: await under.connect(),
    orders: async () => (await under.database.query<{ id: string }>({ sql: 'SELECT id FROM orders ORDER BY id' })).map(({ id }) => id),
    unsent: async (topic = 'orders') => summary(await store.unsent(topic, ALL)),
    dispose: async () => {
      await own.close()
      await under.dispose()
    },
  }
}

/** A transaction of the library that stays open until it is told how to end. */
function hold(own: LibraryUnderTest, body: (own: OwnTransaction) => Promise<unknown>) {
  const ready = Promise.withResolvers<OwnTransaction>()
  const end = Promise.withResolvers<void>()
  const ended = own.transaction(async (tx) => {
    await body(tx)
    ready.resolve(tx)
    await end.promise
  })
  ended.catch(ready.reject)
  return {
    ready: ready.promise,
    commit: () => {
      end.resolve()
      return ended
    },
  }
}

/** The port `Database` over transactions of the library: so that each contract suite of a store runs through the adapter. */
function databaseThrough(own: LibraryUnderTest, database: PostgresDatabase): Database {
  return {
    dialect: 'postgres',
    durability: database.durability,
    concurrency: 'overlapping',
    transaction: async (body) => {
      let joined: JoinedTransaction | undefined
      const value = await own.transaction((tx) => body((joined = tx.joined)))
      joined?.committed()
      return value
    },
    atomically: (statements) => database.atomically(statements),
    query: (statement) => database.query(statement),
    close: () => own.close(),
  }
}

for (const library of LIBRARIES) {
  const { name } = library
  const through = async <Store>(openStore: (database: PostgresDatabase) => Store) => {
    const under = await open(library, 16)
    return { database: databaseThrough(under.own, under.database), store: openStore(under.database), dispose: under.dispose }
  }
  type Options = { clock: Clock; eventBytesMax: number }
  outboxStoreContract(`PostgreSQL by ${name}`, (options: Options) => through((database) => postgresOutboxStore(database, options)))
  inboxStoreContract(`PostgreSQL by ${name}`, (options) => through((database) => postgresInboxStore(database, options)))

  void suite(`the outbox in a transaction of ${name}`, () => {
    const withLibrary = (body: (under: Awaited<ReturnType<typeof open>>) => Promise<void>) => async () => {
      const under = await open(library)
      try {
        await body(under)
      } finally {
        await under.dispose()
      }
    }

    test(
      'rows and events are committed together, and rolled back together',
      withLibrary(async ({ own, events, orders, unsent }) => {
        const place = (id: string, fails: boolean) =>
          own.transaction(async (tx) => {
            await tx.run(`INSERT INTO orders VALUES ('${id}')`)
            await events.add(tx.joined, event(id), event('all', { id }))
            if (fails) throw new Error('no stock')
          })
        await place('o1', false)
        await assert.rejects(place('o2', true), /no stock/)
        await place('o3', false)
        assert.deepEqual(await orders(), ['o1', 'o3'])
        assert.deepEqual(await unsent(), ['o11', 'all1', 'o31', 'all2'])
      }),
    )

    test(
      'what is stored is the event as JSON, not a string with JSON in it, one alone as well as several',
      withLibrary(async ({ own, events, observer, store }) => {
        const data = { text: `'"\\ \u{1f6a2} $1 {} ü`, nested: { list: [1, null, { a: true }] } }
        await own.transaction((tx) => events.add(tx.joined, event('one', data)))
        await own.transaction((tx) => events.add(tx.joined, event('two', data), event('two', 'text'), event('"\\', [1])))
        const { rows } = await observer.query(
          `SELECT json_typeof(event) AS event, json_typeof(event->'data') AS data FROM seaworthy_outbox ORDER BY position`,
        )
        assert.deepEqual(
          rows.map((row: { event: string; data: string }) => [row.event, row.data]),
          [
            ['object', 'object'],
            ['object', 'object'],
            ['object', 'string'],
            ['object', 'array'],
          ],
        )
        const stored = await store.unsent('orders', ALL)
        assert.deepEqual(
          stored.map(({ event }) => event.data),
          [data, data, 'text', [1]],
        )
        assert.deepEqual(
          stored.map(({ event }) => event.key),
          ['one', 'two', 'two', '"\\'],
        )
      }),
    )

    test(
      'the second transaction of a key waits for the first, and its numbers follow; another key does not wait',
      withLibrary(async ({ own, events, observer, unsent }) => {
        const first = hold(own, (tx) => events.add(tx.joined, event('a'), event('a')))
        await first.ready
        const second = own.transaction((tx) => events.add(tx.joined, event('a')))
        await own.transaction((tx) => events.add(tx.joined, event('b')))
        await eventually('the second waits for the key', async () => {
          const { rows } = await observer.query("SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
          return rows.length === 1
        })
        assert.deepEqual(await unsent(), ['b1'])
        await first.commit()
        await second
        assert.deepEqual((await unsent()).toSorted(), ['a1', 'a2', 'a3', 'b1'])
      }),
    )

    test(
      'a savepoint that is rolled back takes its events with it, and their numbers are given again',
      withLibrary(async ({ own, events, orders, unsent }) => {
        await own.transaction(async (tx) => {
          await events.add(tx.joined, event('a'))
          const undone = tx.nested(async (nested) => {
            await nested.run("INSERT INTO orders VALUES ('undone')")
            await events.add(nested.joined, event('a'), event('a'))
            throw new Error('undone')
          })
          await assert.rejects(undone, /undone/)
          await tx.nested(async (nested) => {
            await nested.run("INSERT INTO orders VALUES ('kept')")
            await events.add(nested.joined, event('a'))
          })
          await events.add(tx.joined, event('a'))
        })
        assert.deepEqual(await orders(), ['kept'])
        assert.deepEqual(await unsent(), ['a1', 'a2', 'a3'])
      }),
    )

    test(
      'the relay is woken when it is told of the commit, and by nothing before',
      withLibrary(async ({ own, events, store }) => {
        const woken: string[] = []
        store.onAdded((topic) => woken.push(topic))
        const joined = await own.transaction(async (tx) => {
          await events.add(tx.joined, event('a'))
          return tx.joined
        })
        assert.deepEqual(woken, [])
        joined.committed()
        joined.committed()
        assert.deepEqual(woken, ['orders'])
      }),
    )

    test(
      'a violated constraint is a typed error with its name, and after it nothing more goes',
      withLibrary(async ({ own, unsent, events }) => {
        const insert = { sql: 'INSERT INTO orders (id) VALUES ($1)', params: ['same'] }
        const failing = own.transaction(async ({ joined }) => {
          assert.deepEqual(await joined.execute(insert), { rowCount: 1 })
          await assert.rejects(joined.execute(insert), (error) => {
            assert.ok(error instanceof PostgresConstraintError, String(error))
            assert.deepEqual([error.kind, error.constraint, error.executed], ['unique', 'orders_pkey', 'no'])
            return true
          })
          await assert.rejects(events.add(joined, event('a')), TransactionLostError)
          throw new Error('given up')
        })
        await assert.rejects(failing)
        assert.deepEqual(await unsent(), [])
      }),
    )

    test(
      'a lock that is not free in time, and a deadlock, are typed errors',
      withLibrary(async ({ own, events, unsent, observer }) => {
        const first = hold(own, (tx) => events.add(tx.joined, event('a')))
        const { joined } = await first.ready
        const impatient = own.transaction(async (tx) => {
          await tx.run("SET LOCAL lock_timeout = '30ms'")
          await assert.rejects(events.add(tx.joined, event('a')), PostgresBusyError)
          throw new Error('given up')
        })
        await assert.rejects(impatient)
        const second = own.transaction(async (tx) => {
          await events.add(tx.joined, event('b'))
          await events.add(tx.joined, event('a'))
        })
        await eventually('the second waits', async () => {
          const { rows } = await observer.query("SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
          return rows.length === 1
        })
        const outcomes = await Promise.allSettled([events.add(joined, event('b')).then(first.commit), second])
        const failures = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []))
        assert.equal(failures.length, 1)
        assert.ok(failures[0] instanceof DeadlockError, String(failures[0]))
        await first.commit().catch(() => undefined)
        assert.equal((await unsent()).length, 2)
      }),
    )

    if (library.survivesTermination) {
      test(
        'a session that the server ends is a lost connection, and nothing is stored',
        withLibrary(async ({ own, events, unsent, observer }) => {
          const failing = own.transaction(async ({ joined }) => {
            await events.add(joined, event('a'))
            const [row] = await joined.query<{ pid: number }>({ sql: 'SELECT pg_backend_pid() AS pid' })
            await observer.query('SELECT pg_terminate_backend($1)', [row!.pid])
            await assert.rejects(events.add(joined, event('a')), ConnectionLostError)
            throw new Error('given up')
          })
          await assert.rejects(failing)
          assert.deepEqual(await unsent(), [])
        }),
      )
    }

    test('a transaction that is over is refused, on an idle connection and on one that is in another transaction by then', async () => {
      const under = await open(library, 1)
      try {
        const { own, events, unsent } = under
        const late = await own.transaction(async (tx) => {
          await events.add(tx.joined, event('a'))
          return tx.joined
        })
        await assert.rejects(events.add(late, event('a')), TransactionEndedError)
        const later = await own.transaction(async (tx) => {
          await events.add(tx.joined, event('a'))
          return tx.joined
        })
        const other = own.transaction(async (tx) => {
          await tx.run('SELECT 1')
          // pg itself cannot tell: who has the client has its transaction.
          if (name !== 'pg') await assert.rejects(events.add(later, event('a')), TransactionEndedError)
          await events.add(tx.joined, event('b'))
        })
        await other
        later.committed()
        await assert.rejects(events.add(later, event('a')), TransactionEndedError)
        assert.deepEqual(await unsent(), ['a1', 'a2', 'b1'])
      } finally {
        await under.dispose()
      }
    })

    test(
      'a handle that is no transaction is refused, and nothing is committed alone',
      withLibrary(async ({ own, events, unsent }) => {
        // Some refuse the handle, some its first use.
        await assert.rejects(async () => events.add(own.joinRoot(), event('a')), ConfigurationError)
        assert.deepEqual(await unsent(), [])
      }),
    )
  })
}
