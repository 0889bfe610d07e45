import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, suite, test } from 'node:test'
import { type Database, type SqlValue, type Transaction, ConfigurationError, InvalidInputError, LimitExceededError } from 'seaworthy/core'
import type { Attempt, EventEnvelope } from 'seaworthy/messaging'
import { type InboxGap, type InboxStore, outbox, startRelay, synchronousInbox } from 'seaworthy/outbox'
import {
  type SynchronousHandle,
  SqliteBusyError,
  SqliteError,
  inboxStoreSchema,
  migrateSync,
  outboxStoreSchema,
  synchronousInboxStore,
  synchronousOutboxStore,
} from 'seaworthy/sqlite'
import { eventually, inMemoryEventLog, inboxStoreContract, outboxStoreContract } from '@seaworthy/testing'
import { temporaryFolder } from './folder.ts'

/** A handle as its user has it. */
export interface OwnHandle extends SynchronousHandle {
  close(): unknown
}

export interface SynchronousLibrary {
  readonly name: string
  readonly open: (path: string) => OwnHandle
  /** A handle that gives numbers as bigints, and rows as arrays where the library can. */
  readonly openUnusual: (path: string) => OwnHandle
}

let made = 0
function event(key: string, data: unknown = {}): EventEnvelope {
  const id = `event-${++made}`
  const time = '2026-01-01T00:00:00Z'
  return { id, type: 'order.placed', version: 1, source: 'orders', key, sequence: 0, time, correlationId: 'c', data }
}

/** What outbox and inbox owe with a library's handles. */
export function synchronousSuite({ name, open, openUnusual }: SynchronousLibrary): void {
  outboxStoreContract(`SQLite by a handle of ${name}`, async (options) => {
    const folder = temporaryFolder()
    const path = join(folder.path, 'own.sqlite')
    // The suite reads between the statements of a transaction, which the relay's handle must not have open: so each has its own.
    const openBoth = () => {
      const [relays, writers] = [open(path), open(path)]
      relays.exec('PRAGMA journal_mode = WAL')
      migrateSync(relays, [outboxStoreSchema])
      return { relays, writers, database: databaseOn(writers), store: synchronousOutboxStore(relays, options) }
    }
    let opened = openBoth()
    const close = () => {
      opened.relays.close()
      opened.writers.close()
    }
    const under = () => ({
      database: opened.database,
      store: opened.store,
      reopen: async () => {
        close()
        opened = openBoth()
        return under()
      },
      dispose: async () => {
        close()
        folder.remove()
      },
    })
    return under()
  })

  inboxStoreContract(`SQLite by a handle of ${name}`, async ({ clock }) => {
    const folder = temporaryFolder()
    const handle = open(join(folder.path, 'own.sqlite'))
    migrateSync(handle, [inboxStoreSchema])
    const inner = synchronousInboxStore(handle, { clock })
    // Asked in the suite's transaction, at once.
    const store: InboxStore = {
      admit: async (_, message) => inner.admitSync(handle, message),
      forget: (olderThanMs) => inner.forget(olderThanMs),
    }
    return {
      database: databaseOn(handle),
      store,
      dispose: async () => {
        handle.close()
        folder.remove()
      },
    }
  })

  void suite(`a synchronous inbox on a handle of ${name}`, () => {
    const attempt: Attempt = { topic: 'orders', attempt: 1, timeoutMs: 1_000, signal: new AbortController().signal, outOfOrder: false }
    const opened = (t: TestContext) => {
      const folder = temporaryFolder()
      const db = open(join(folder.path, 'own.sqlite'))
      t.after(() => {
        db.close()
        folder.remove()
      })
      db.exec('CREATE TABLE effect (n INTEGER) STRICT')
      migrateSync(db, [inboxStoreSchema])
      const gaps: InboxGap[] = []
      const box = synchronousInbox({ store: synchronousInboxStore(db), consumer: 'c', onGap: (gap) => gaps.push(gap) })
      return { db, box, gaps, effects: () => db.prepare('SELECT n FROM effect').all().length }
    }

    test('an effect happens once for each message, and not for one whose handler threw', async (t) => {
      const { box, effects, gaps } = opened(t)
      let fails = false
      const handle = box.handle((_, db) => {
        db.exec('INSERT INTO effect VALUES (1)')
        if (fails) throw new Error('no stock')
      })
      const first = { ...event('a'), sequence: 1 }
      await handle(first, attempt)
      await handle(first, attempt)
      assert.equal(effects(), 1)
      fails = true
      const second = { ...event('a'), sequence: 2 }
      await assert.rejects(async () => handle(second, attempt), /no stock/)
      assert.equal(effects(), 1)
      fails = false
      await handle(second, attempt)
      await handle({ ...event('a'), sequence: 4 }, attempt)
      await handle({ ...event('a'), sequence: 3 }, attempt)
      assert.equal(effects(), 3)
      assert.deepEqual(
        gaps.map(({ expected, received }) => [expected, received]),
        [[3, 4]],
      )
    })

    test('a handler that returns a promise is refused, and what it wrote at once is taken back', async (t) => {
      const { box, effects } = opened(t)
      const careless = (_: unknown, db: SynchronousHandle): unknown => {
        db.exec('INSERT INTO effect VALUES (1)')
        return Promise.resolve()
      }
      const handle = box.handle(careless)
      await assert.rejects(async () => handle({ ...event('a'), sequence: 1 }, attempt), ConfigurationError)
      assert.equal(effects(), 0)
    })
  })

  void suite(`addSync by a handle of ${name}`, () => {
    const opened = (t: TestContext, openHandle = open) => {
      const folder = temporaryFolder()
      const path = join(folder.path, 'own.sqlite')
      const db = openHandle(path)
      const handles = [db]
      t.after(() => {
        for (const handle of handles) handle.close()
        folder.remove()
      })
      db.exec('PRAGMA journal_mode = WAL; CREATE TABLE orders (id TEXT PRIMARY KEY) STRICT')
      migrateSync(db, [outboxStoreSchema])
      const store = synchronousOutboxStore(db, { eventBytesMax: 2_000 })
      const another = () => {
        const handle = openHandle(path)
        handles.push(handle)
        return handle
      }
      return { db, store, events: outbox({ store, topics: ['orders'] }), another }
    }
    const transaction = (db: OwnHandle, body: () => void) => {
      db.exec('BEGIN IMMEDIATE')
      try {
        body()
        db.exec('COMMIT')
      } catch (error) {
        db.exec('ROLLBACK')
        throw error
      }
    }

    for (const [settings, openHandle] of [
      ['its usual settings', open],
      ['bigints and arrays', openUnusual],
    ] as const) {
      test(`rows and events are committed together, and rolled back together, with ${settings}`, async (t) => {
        const { db, store, events } = opened(t, openHandle)
        const place = (id: string, fails = false) =>
          transaction(db, () => {
            db.exec(`INSERT INTO orders VALUES ('${id}')`)
            events.addSync(db, event(id), event('all', { id }))
            if (fails) throw new Error('no stock')
          })
        place('o1')
        assert.throws(() => place('o2', true), /no stock/)
        place('o3')
        const stored = await store.unsent('orders', 100)
        assert.deepEqual(
          stored.map(({ event }) => `${event.key}${event.sequence}`),
          ['o11', 'all1', 'o31', 'all2'],
        )
        assert.deepEqual(stored[3]!.event.data, { id: 'o3' })
        assert.equal(typeof stored[0]!.position, 'number')
        assert.deepEqual(await store.topics(), ['orders'])
        assert.equal((await store.backlog()).messages, 4)
        await store.markSent(stored.map(({ position }) => position))
        assert.deepEqual(await store.backlog(), { messages: 0, oldestAtMs: undefined })
      })
    }

    test('a relay on the same handle is woken by the commit, and takes the events to the log in order', async (t) => {
      const { db, store, events, another } = opened(t)
      const log = inMemoryEventLog()
      // Were it not woken, it would look again in an hour.
      const relay = startRelay({ store, log, pollMs: 3_600_000 })
      t.after(() => relay.stop())
      await eventually('the relay has looked once', async () => (await relay.status()).state === 'running')
      transaction(db, () => events.addSync(db, event('a')))
      const second = another()
      transaction(second, () => events.addSync(second, event('a'), event('a')))
      await eventually('all are sent', async () => (await store.backlog()).messages === 0, { withinMs: 30_000 })
      const records = log.partitions('orders').flat()
      assert.deepEqual(
        records.map(({ event }) => event.sequence),
        [1, 2, 3],
      )
    })

    test('outside a transaction nothing is added', async (t) => {
      const { db, store, events } = opened(t)
      assert.throws(() => events.addSync(db, event('a')), ConfigurationError)
      assert.deepEqual(await store.unsent('orders', 100), [])
      assert.throws(() => events.addSync({} as OwnHandle, event('a')), ConfigurationError)
    })

    test('what is refused takes no number, and leaves the transaction as it was', async (t) => {
      const { db, store, events } = opened(t)
      transaction(db, () => {
        events.addSync(db, event('a'))
        assert.throws(() => events.addSync(db, event('a'), event('a', 'x'.repeat(3_000))), LimitExceededError)
        assert.throws(() => events.addSync(db, { ...event('a'), sequence: 4 }), InvalidInputError)
        assert.throws(() => events.addSync(db, { ...event('a'), source: 'elsewhere' }), ConfigurationError)
        // The engine refuses the second.
        db.exec(
          "CREATE TEMP TRIGGER refuse BEFORE INSERT ON main.seaworthy_outbox WHEN NEW.event LIKE '%refuse%' BEGIN SELECT RAISE(ABORT, 'no'); END",
        )
        assert.throws(() => events.addSync(db, event('a'), event('a', 'refuse')), SqliteError)
        events.addSync(db, event('a'))
      })
      assert.deepEqual(
        (await store.unsent('orders', 100)).map(({ event }) => event.sequence),
        [1, 2],
      )
    })

    test('while a transaction is open over an await the relay waits, and does not see what is not committed', async (t) => {
      const { db, store, events } = opened(t)
      db.exec('BEGIN')
      events.addSync(db, event('a'))
      await assert.rejects(store.unsent('orders', 100), SqliteBusyError)
      await assert.rejects(store.markSent([1]), SqliteBusyError)
      db.exec('COMMIT')
      assert.equal((await store.unsent('orders', 100)).length, 1)
    })

    test('a file that another writes is a typed error, and so are missing tables', async (t) => {
      const { db, store, events, another } = opened(t)
      const other = another()
      transaction(db, () => events.addSync(db, event('a')))
      other.exec('BEGIN IMMEDIATE')
      db.exec('PRAGMA busy_timeout = 0')
      await assert.rejects(store.markSent([1]), SqliteBusyError)
      other.exec('ROLLBACK')
      db.exec('DROP TABLE seaworthy_outbox')
      await assert.rejects(store.unsent('orders', 1), SqliteError)
    })
  })
}

/** The port over a handle: transactions one after another, each body between BEGIN and COMMIT. */
function databaseOn(handle: OwnHandle): Database {
  let last: Promise<unknown> = Promise.resolve()
  const params = (values: readonly SqlValue[] = []) => values as never[]
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const running = last.then(work)
    last = running.catch(() => undefined)
    return running
  }
  const database: Database = {
    dialect: 'sqlite',
    durability: 'process-crash',
    concurrency: 'serial',
    transaction: (body) =>
      inTurn(async () => {
        const effects: (() => void)[] = []
        const tx: Transaction = {
          query: async <Row extends object>({ sql, params: values }: { sql: string; params?: readonly SqlValue[] }) =>
            handle.prepare(sql).all(...params(values)) as Row[],
          execute: async ({ sql, params: values }) => ({ rowCount: Number(handle.prepare(sql).run(...params(values)).changes) }),
          afterCommit: (effect) => void effects.push(effect),
        }
        handle.exec('BEGIN IMMEDIATE')
        let value
        try {
          value = await body(tx)
          handle.exec('COMMIT')
        } catch (error) {
          handle.exec('ROLLBACK')
          throw error
        }
        for (const effect of effects) effect()
        return value
      }),
    atomically: (statements) =>
      database.transaction(async (tx) => {
        const results: { readonly rowCount: number }[] = []
        for (const statement of statements) results.push(await tx.execute(statement))
        return results
      }),
    query: () => Promise.reject(new Error('not needed')),
    close: async () => void handle.close(),
  }
  return database
}
