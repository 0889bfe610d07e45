import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { suite, test } from 'node:test'
import { type Operation, watchOperations } from 'seaworthy/core'
import { SqliteBusyError, SqliteOwnedError, openSqliteDatabase } from 'seaworthy/sqlite'
import { VirtualClock } from '@seaworthy/testing'
import { testFolder } from './folder.ts'
import { ids, insert, macrotask, openWithTable } from './items.ts'

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

  test('that has the whole file for a moment, as one that recovers its log has, is waited for by whoever opens it, and no longer than the limit', async (t) => {
    const path = join(testFolder(t), 'recovered.sqlite')
    const other = new DatabaseSync(path)
    other.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; CREATE TABLE t (n INTEGER) STRICT')
    await assert.rejects(openSqliteDatabase({ path, busyTimeoutMs: 1 }), SqliteBusyError)
    const opening = openSqliteDatabase({ path })
    for (let turn = 0; turn < 20; turn++) await macrotask()
    other.close()
    const database = await opening
    t.after(() => database.close())
    assert.deepEqual(await database.query({ sql: 'SELECT n FROM t' }), [])
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
