import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { type SqlValue, TimeoutError } from 'seaworthy/core'
import {
  SqliteConstraintError,
  SqliteCorruptError,
  SqliteError,
  SqliteFullError,
  StatementRefusedError,
  TransactionEndedError,
  openSqliteDatabase,
} from 'seaworthy/sqlite'
import { VirtualClock } from '@seaworthy/testing'
import { Connection } from '../../src/sqlite/connection.ts'
import { testFolder } from './folder.ts'
import { ids, insert, openWithTable } from './items.ts'

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
