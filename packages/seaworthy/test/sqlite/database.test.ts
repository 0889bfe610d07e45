import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, suite, test } from 'node:test'
import { type Operation, type SqlValue, LimitExceededError, TimeoutError, watchOperations } from 'seaworthy/core'
import {
  type SqliteDatabase,
  type SqliteDatabaseOptions,
  type SqliteTransaction,
  NestedTransactionError,
  SqliteBusyError,
  SqliteConstraintError,
  SqliteCorruptError,
  SqliteError,
  SqliteFullError,
  SqliteOwnedError,
  StatementRefusedError,
  TransactionEndedError,
  TransactionLostError,
  openSqliteDatabase,
} from 'seaworthy/sqlite'
import { VirtualClock } from '@seaworthy/testing'
import { Connection } from '../../src/sqlite/connection.ts'
import { testFolder } from './folder.ts'

async function openWithTable(t: TestContext, options: Partial<SqliteDatabaseOptions> = {}) {
  const path = join(testFolder(t), 'test.db')
  const database = await openSqliteDatabase({ path, ...options })
  t.after(() => database.close())
  await database.transaction((tx) => tx.script('CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT)'))
  return database
}

const insert = (tx: SqliteTransaction, id: number) => tx.execute({ sql: 'INSERT INTO item (id) VALUES (?)', params: [id] })
const ids = async (database: { query: SqliteTransaction['query'] }) =>
  (await database.query<{ id: number }>({ sql: 'SELECT id FROM item ORDER BY id' })).map(({ id }) => id)
const macrotask = () => new Promise((resolve) => setImmediate(resolve))

/** A transaction whose body waits for `gate`, once that body has begun and the event loop has turned. */
async function holdOpen(
  database: SqliteDatabase,
  gate: Promise<void>,
  body: (tx: SqliteTransaction) => Promise<unknown> = async () => undefined,
) {
  const begun = Promise.withResolvers<void>()
  const held = database.transaction(async (tx) => {
    await body(tx)
    begun.resolve()
    await gate
  })
  await begun.promise
  for (let turn = 0; turn < 3; turn++) await macrotask()
  return { held }
}

void suite('group commit', () => {
  test('transactions at the same time share a commit, and OR ROLLBACK in one of them is told to all', async (t) => {
    const database = await openWithTable(t)
    await database.transaction((tx) => insert(tx, 1))
    let after: unknown
    const outcomes = await Promise.allSettled([
      database.transaction((tx) => insert(tx, 2)),
      database.transaction(async (tx) => {
        // Swallowed, as careless code does: what follows must not commit by itself.
        await tx.execute({ sql: 'INSERT OR ROLLBACK INTO item (id) VALUES (1)' }).catch(() => undefined)
        after = await insert(tx, 3).catch((error: unknown) => error)
      }),
      database.transaction((tx) => insert(tx, 4)),
    ])
    assert.ok(after instanceof TransactionLostError)
    for (const outcome of outcomes.slice(0, 2)) {
      assert.ok(outcome.status === 'rejected' && outcome.reason instanceof TransactionLostError)
      assert.equal(outcome.reason.executed, 'no')
      assert.ok(outcome.reason.cause instanceof SqliteConstraintError)
    }
    assert.equal(outcomes[2].status, 'fulfilled', 'a transaction of the next batch suffered')
    assert.deepEqual(await ids(database), [1, 4])
  })

  test('whichever body of a batch fails leaves nothing, and takes nothing from the others', async (t) => {
    for (const failing of [1, 2, 3]) {
      const database = await openWithTable(t)
      const outcomes = await Promise.allSettled(
        [1, 2, 3].map((id) =>
          database.transaction(async (tx) => {
            await insert(tx, id)
            if (id === failing) throw new Error('changed its mind')
          }),
        ),
      )
      assert.deepEqual(
        outcomes.map(({ status }) => status === 'rejected'),
        [1, 2, 3].map((id) => id === failing),
      )
      assert.deepEqual(
        await ids(database),
        [1, 2, 3].filter((id) => id !== failing),
      )
    }
  })

  test('a body that awaits something else shares its commit with no newcomer', async (t) => {
    const database = await openWithTable(t)
    await database.transaction((tx) => insert(tx, 1))
    const gate = Promise.withResolvers<void>()
    const { held } = await holdOpen(database, gate.promise, (tx) => insert(tx, 2))
    const newcomer = database.transaction((tx) => tx.execute({ sql: 'INSERT OR ROLLBACK INTO item (id) VALUES (1)' }))
    gate.resolve()
    await held
    await assert.rejects(newcomer, TransactionLostError)
    assert.deepEqual(await ids(database), [1, 2])
  })

  test('a batch has a limit', async (t) => {
    const database = await openWithTable(t, { batchSizeMax: 2 })
    await database.transaction((tx) => insert(tx, 1))
    const outcomes = await Promise.allSettled([
      database.transaction((tx) => insert(tx, 2)),
      database.transaction((tx) => insert(tx, 3)),
      database.transaction((tx) => tx.execute({ sql: 'INSERT OR ROLLBACK INTO item (id) VALUES (1)' })),
    ])
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'fulfilled', 'rejected'],
    )
  })

  test('callers who answer each commit with the next transaction do not starve the event loop', async (t) => {
    const database = await openWithTable(t)
    let turns = 0
    let running = true
    const count = () => {
      turns++
      if (running) setImmediate(count)
    }
    setImmediate(count)
    for (let round = 0; round < 50; round++) await database.transaction(async () => undefined)
    running = false
    assert.ok(turns >= 25, `the event loop turned ${turns} times during 50 commits`)
  })

  test('callers who try again at once after each failure do not starve the event loop either', async (t) => {
    const database = await openWithTable(t, { batchSizeMax: 8 })
    const loop = { turned: false }
    setImmediate(() => setImmediate(() => (loop.turned = true)))
    let attempts = 0
    const caller = async () => {
      while (!loop.turned && attempts++ < 20_000) {
        await database.transaction(() => Promise.reject(new Error('always'))).catch(() => undefined)
      }
    }
    await Promise.all(Array.from({ length: 4 }, caller))
    assert.ok(attempts < 20_000, 'the event loop did not turn during 20,000 attempts')
  })

  test('the queue has a limit', async (t) => {
    const database = await openWithTable(t, { queueMax: 2 })
    const gate = Promise.withResolvers<void>()
    const { held } = await holdOpen(database, gate.promise)
    const waiting = [1, 2].map((id) => database.transaction((tx) => insert(tx, id)))
    await assert.rejects(
      database.transaction((tx) => insert(tx, 3)),
      (error) => error instanceof LimitExceededError && /queueMax/.test(error.message),
    )
    gate.resolve()
    await Promise.all([held, ...waiting])
    assert.deepEqual(await ids(database), [1, 2])
  })

  test('a constraint that is checked at COMMIT fails the transaction that broke it, and no other', async (t) => {
    const database = await openWithTable(t)
    await database.transaction((tx) => tx.script('CREATE TABLE part (item_id INTEGER REFERENCES item (id) DEFERRABLE INITIALLY DEFERRED)'))
    const outcomes = await Promise.allSettled([
      database.transaction((tx) => insert(tx, 1)),
      database.transaction((tx) => tx.execute({ sql: 'INSERT INTO part VALUES (99)' })),
      database.transaction((tx) => insert(tx, 2)),
    ])
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    )
    assert.ok(outcomes[1].status === 'rejected' && outcomes[1].reason instanceof SqliteConstraintError)
    assert.equal(outcomes[1].reason.kind, 'foreign-key')
    assert.deepEqual(await ids(database), [1, 2])
  })

  test('a deferred constraint that a transaction of the same batch has just declared is no trap', async (t) => {
    const database = await openWithTable(t)
    const outcomes = await Promise.allSettled([
      database.transaction((tx) => tx.script('CREATE TABLE part (item_id INTEGER REFERENCES item (id) DEFERRABLE INITIALLY DEFERRED)')),
      database.transaction((tx) => tx.execute({ sql: 'INSERT INTO part VALUES (99)' })),
      database.transaction((tx) => insert(tx, 2)),
    ])
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    )
  })

  test('the default time limit ends a body that hangs', async (t) => {
    const clock = new VirtualClock()
    const database = await openWithTable(t, { clock, transactionTimeoutMs: 5_000 })
    const hanging = database.transaction(() => new Promise(() => undefined))
    const refused = assert.rejects(
      hanging,
      (error) => error instanceof TimeoutError && error.executed === 'no' && error.timeoutMs === 5_000,
    )
    await clock.advance(4_999)
    const next = database.transaction((tx) => insert(tx, 1))
    await clock.advance(1)
    await refused
    await next
    assert.deepEqual(clock.pending, [])
  })

  test('a transaction begun inside the body of another is refused at once', async (t) => {
    const database = await openWithTable(t)
    await database.transaction(async (tx) => {
      await assert.rejects(
        database.transaction(async () => undefined),
        NestedTransactionError,
      )
      await assert.rejects(database.atomically([]), NestedTransactionError)
      await insert(tx, 1)
    })
    assert.deepEqual(await ids(database), [1])
  })

  test('what an effect starts is no longer inside the body', async (t) => {
    const database = await openWithTable(t)
    const inner = Promise.withResolvers<unknown>()
    await database.transaction(async (tx) => tx.afterCommit(() => inner.resolve(database.transaction((next) => insert(next, 1)))))
    await inner.promise
    assert.deepEqual(await ids(database), [1])
  })
})

void suite('what a body may not do', () => {
  const refused = [
    'BEGIN',
    'COMMIT',
    'END',
    'ROLLBACK',
    'SAVEPOINT mine',
    'RELEASE body',
    'ROLLBACK TO body',
    'rollback /* hidden */ ',
    "ATTACH ':memory:' AS other",
    'PRAGMA synchronous = OFF',
    'PRAGMA journal_mode = DELETE',
    'PRAGMA busy_timeout = 60000',
    'PRAGMA foreign_keys = OFF',
    'PRAGMA defer_foreign_keys = ON',
    'PRAGMA wal_checkpoint',
  ]
  for (const sql of refused) {
    test(`${sql.trim()} is refused, and the transaction goes on`, async (t) => {
      const database = await openWithTable(t)
      await database.transaction(async (tx) => {
        await insert(tx, 1)
        for (const use of [() => tx.execute({ sql }), () => tx.query({ sql }), () => tx.script(`SELECT 1; ${sql};`)]) {
          await assert.rejects(use(), StatementRefusedError)
        }
        await assert.rejects(database.query({ sql }), StatementRefusedError)
        await insert(tx, 2)
      })
      assert.deepEqual(await ids(database), [1, 2])
    })
  }

  test('a pragma that only tells something is allowed', async (t) => {
    const database = await openWithTable(t)
    await database.transaction(async (tx) => {
      assert.equal((await tx.query({ sql: 'PRAGMA table_info(item)' })).length, 2)
      assert.deepEqual(await tx.query({ sql: 'PRAGMA synchronous' }), [{ synchronous: 2 }])
    })
  })

  test('a second statement in one text is refused, instead of being left out silently', async (t) => {
    const database = await openWithTable(t)
    await database.transaction(async (tx) => {
      const two = 'INSERT INTO item (id) VALUES (1); INSERT INTO item (id) VALUES (2)'
      await assert.rejects(tx.execute({ sql: two }), StatementRefusedError)
      await tx.execute({ sql: 'INSERT INTO item (id) VALUES (3); -- and a comment; /* or two */ ' })
    })
    assert.deepEqual(await ids(database), [3])
  })

  test('a body that was ended by its time limit says so when it goes on', async (t) => {
    const clock = new VirtualClock()
    const database = await openWithTable(t, { clock })
    const gate = Promise.withResolvers<void>()
    const late = Promise.withResolvers<unknown>()
    const begun = Promise.withResolvers<void>()
    const slow = database.transaction(
      async (tx) => {
        begun.resolve()
        await gate.promise
        late.resolve(await insert(tx, 1).catch((error: unknown) => error))
      },
      { timeoutMs: 100 },
    )
    const rejection = assert.rejects(slow, TimeoutError)
    await begun.promise
    await clock.advance(100)
    await rejection
    gate.resolve()
    const error = await late.promise
    assert.ok(error instanceof TransactionEndedError && /100 ms/.test(error.message))
  })
})

void suite('typed errors', () => {
  test('constraints tell their kind', async (t) => {
    const database = await openWithTable(t)
    await database.transaction((tx) =>
      tx.script(`CREATE TABLE kinds (
          id INTEGER PRIMARY KEY, code TEXT UNIQUE, n INTEGER NOT NULL CHECK (n > 0), item_id INTEGER REFERENCES item (id) ON DELETE RESTRICT
        ) STRICT;
        CREATE TRIGGER no_seven BEFORE INSERT ON kinds WHEN new.n = 7 BEGIN SELECT RAISE(ABORT, 'seven is taboo'); END;
        INSERT INTO item (id) VALUES (1);
        INSERT INTO kinds VALUES (1, 'a', 1, 1);`),
    )
    const cases: [string, string, SqlValue[], boolean][] = [
      ['unique', 'INSERT INTO kinds VALUES (?, ?, ?, ?)', [1, 'b', 1, 1], false],
      ['unique', 'INSERT INTO kinds VALUES (?, ?, ?, ?)', [2, 'a', 1, 1], false],
      ['not-null', 'INSERT INTO kinds VALUES (?, ?, ?, ?)', [2, 'b', null, 1], true],
      ['check', 'INSERT INTO kinds VALUES (?, ?, ?, ?)', [2, 'b', 0, 1], true],
      ['data-type', 'INSERT INTO kinds VALUES (?, ?, ?, ?)', [2, 'b', 'text', 1], true],
      ['foreign-key', 'INSERT INTO kinds VALUES (?, ?, ?, ?)', [2, 'b', 1, 99], false],
      ['foreign-key', 'DELETE FROM item WHERE id = ?', [1], false],
      ['trigger', 'INSERT INTO kinds VALUES (?, ?, ?, ?)', [2, 'b', 7, 1], false],
    ]
    for (const [kind, sql, params, final] of cases) {
      await assert.rejects(database.atomically([{ sql, params }]), (error) => {
        assert.ok(error instanceof SqliteConstraintError, String(error))
        assert.deepEqual([error.kind, error.final, error.executed], [kind, final, 'no'])
        return true
      })
    }
  })

  test('a full disk is a typed error, is told to whoever watches the disk, and the rows before it stay', (t) => {
    const seen: unknown[] = []
    const listener = (error: unknown) => seen.push(error)
    subscribe('seaworthy:sqlite.disk-failed', listener)
    t.after(() => unsubscribe('seaworthy:sqlite.disk-failed', listener))
    const connection = new Connection({ path: join(testFolder(t), 'test.db'), readOnly: false, statementsMax: 8 })
    t.after(() => connection.close())
    connection.script('CREATE TABLE item (text TEXT)')
    connection.first('PRAGMA max_page_count = 10')
    const fill = () => connection.run({ sql: 'INSERT INTO item VALUES (?)', params: ['x'.repeat(10_000)] })
    assert.equal(fill(), 1)
    assert.throws(() => {
      for (let index = 0; index < 10; index++) fill()
    }, SqliteFullError)
    assert.equal(seen.length, 1)
    assert.ok(seen[0] instanceof SqliteFullError)
    assert.throws(() => connection.script('nonsense'))
    assert.equal(seen.length, 1, 'a mistake in a statement is no failure of the disk')
    assert.equal(connection.all({ sql: 'SELECT text FROM item' }).length > 0, true)
  })

  test('a file that is no database is refused by name, and can be taken once it is mended', async (t) => {
    const path = join(testFolder(t), 'test.db')
    writeFileSync(path, 'this is a letter, not a database. '.repeat(400))
    await assert.rejects(openSqliteDatabase({ path }), (error) => error instanceof SqliteCorruptError && error.message.includes(path))
    writeFileSync(path, '')
    const database = await openSqliteDatabase({ path, ownershipWaitMs: 0 })
    await database.close()
  })

  test('an integer that a number cannot hold is refused, not rounded', async (t) => {
    const database = await openWithTable(t)
    await database.transaction((tx) => tx.execute({ sql: 'INSERT INTO item (id) VALUES (?)', params: [9_007_199_254_740_993n] }))
    await assert.rejects(database.query({ sql: 'SELECT id FROM item' }), SqliteError)
    assert.deepEqual(await database.query({ sql: 'SELECT CAST(id AS TEXT) AS id FROM item' }), [{ id: '9007199254740993' }])
  })

  test('rows are plain objects, and a star means the columns that there are now', async (t) => {
    const database = await openWithTable(t)
    await database.transaction((tx) => insert(tx, 1))
    const everything = () => database.query({ sql: 'SELECT * FROM item' })
    assert.deepEqual(await everything(), [{ id: 1, name: null }])
    assert.deepEqual(await database.query({ sql: 'SELECT name, id AS number FROM item' }), [{ name: null, number: 1 }])
    await database.transaction((tx) => tx.script('ALTER TABLE item RENAME COLUMN name TO title; ALTER TABLE item ADD COLUMN size INTEGER'))
    assert.deepEqual(await everything(), [{ id: 1, title: null, size: null }])
  })

  test('a path that is no file is refused', async () => {
    for (const path of [':memory:', '', 'file:x?mode=memory']) await assert.rejects(openSqliteDatabase({ path }), /is a file/)
  })
})

void suite('another connection that holds the write lock', () => {
  test('is waited for without stopping the event loop', async (t) => {
    const database = await openWithTable(t)
    const other = new DatabaseSync(database.path)
    other.exec('BEGIN IMMEDIATE')
    let settled = false
    const waiting = database.transaction((tx) => insert(tx, 1)).then(() => (settled = true))
    for (let turn = 0; turn < 20; turn++) await macrotask()
    assert.equal(settled, false)
    other.exec('ROLLBACK')
    other.close()
    await waiting
    assert.deepEqual(await ids(database), [1])
  })

  test('is waited for no longer than the limit, and those who came later are still served', async (t) => {
    const clock = new VirtualClock()
    const database = await openWithTable(t, { clock, busyTimeoutMs: 1_000 })
    const other = new DatabaseSync(database.path)
    other.exec('BEGIN IMMEDIATE')
    const early = assert.rejects(
      database.transaction((tx) => insert(tx, 1)),
      (error) => error instanceof SqliteBusyError && error.executed === 'no',
    )
    await clock.advance(900)
    const later = database.transaction((tx) => insert(tx, 2))
    await clock.advance(200)
    await early
    other.exec('ROLLBACK')
    other.close()
    await clock.advance(200)
    await later
    assert.deepEqual(await ids(database), [2])
  })

  test('can be given up by an abort', async (t) => {
    const database = await openWithTable(t)
    const other = new DatabaseSync(database.path)
    other.exec('BEGIN IMMEDIATE')
    const controller = new AbortController()
    const waiting = database.transaction((tx) => insert(tx, 1), { signal: controller.signal })
    controller.abort(new Error('never mind'))
    await assert.rejects(waiting, /never mind/)
    other.exec('ROLLBACK')
    other.close()
    await database.transaction((tx) => insert(tx, 2))
    assert.deepEqual(await ids(database), [2])
  })
})

void suite('ownership', () => {
  test('a second owner is told the file and what to do', async (t) => {
    const database = await openWithTable(t)
    await assert.rejects(openSqliteDatabase({ path: database.path, ownershipWaitMs: 0 }), (error) => {
      assert.ok(error instanceof SqliteOwnedError)
      assert.equal(error.code, 'database-owned')
      assert.ok(error.message.includes(database.path) && /one instance/.test(error.message) && /PostgreSQL/.test(error.message))
      return true
    })
  })

  test('an owner that leaves within the wait is followed', async (t) => {
    const clock = new VirtualClock()
    const database = await openWithTable(t)
    const opening = openSqliteDatabase({ path: database.path, clock, ownershipWaitMs: 5_000 })
    await clock.advance(1_000)
    await database.close()
    await clock.advance(1_000)
    await (await opening).close()
  })

  test('the wait for it can be aborted', async (t) => {
    const database = await openWithTable(t)
    const controller = new AbortController()
    const opening = openSqliteDatabase({ path: database.path, signal: controller.signal })
    controller.abort(new Error('never mind'))
    await assert.rejects(opening, /never mind/)
  })
})

test('a transaction is observed with the time that it waited for its turn', async (t) => {
  const database = await openWithTable(t)
  const operations: Operation[] = []
  const stop = watchOperations((name, channel) => {
    if (name !== 'database.transaction') return
    const subscriber = {
      start: () => undefined,
      end: () => undefined,
      asyncStart: () => undefined,
      asyncEnd: (operation: Operation) => operations.push(operation),
      error: () => undefined,
    }
    channel.subscribe(subscriber)
    t.after(() => channel.unsubscribe(subscriber))
  })
  await database.transaction((tx) => insert(tx, 1))
  stop()
  assert.equal(operations.length, 1)
  assert.equal(operations[0]!.kind, 'client')
  assert.equal(operations[0]!.attributes['db.system.name'], 'sqlite')
  assert.equal(typeof operations[0]!.attributes['seaworthy.time.pool_wait_ms'], 'number')
})

test('durability is what was asked for', async (t) => {
  for (const [durability, synchronous] of [
    ['power-loss', 2],
    ['process-crash', 1],
  ] as const) {
    const database = await openSqliteDatabase({ path: join(testFolder(t), 'test.db'), durability })
    assert.equal(database.durability, durability)
    assert.deepEqual(await database.transaction((tx) => tx.query({ sql: 'PRAGMA synchronous' })), [{ synchronous }])
    assert.deepEqual(await database.query({ sql: 'PRAGMA journal_mode' }), [{ journal_mode: 'wal' }])
    await database.close()
  }
})
