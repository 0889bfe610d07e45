import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { SeaworthyError } from 'seaworthy/core'
import {
  type Schema,
  PostgresModel,
  advisoryLock,
  column,
  equals,
  evaluation,
  insert,
  nextval,
  plus,
  postgresModelDatabase,
  select,
  toSql,
  update,
} from '../../src/postgres-model/index.ts'
import { settled } from './table-of-rows.ts'

const schema: Schema = {
  sequences: ['ticket'],
  tables: { item: { columns: { id: { type: 'bigint' }, n: { type: 'bigint' } }, primaryKey: ['id'] } },
}
const add = (id: number) => toSql(insert('item', [{ id, n: 0 }]))
const increment = (id: number) => toSql(update('item', { n: plus(column('n'), 1) }, { where: equals('id', id) }))
const withCode = (code: string) => (error: unknown) => error instanceof SeaworthyError && error.code === code && error.executed === 'no'

void suite('the PostgreSQL model behind the Database port', () => {
  test('a body that catches the error of a statement cannot commit what it did before', async () => {
    const model = new PostgresModel(schema)
    const database = postgresModelDatabase(model)
    await database.transaction((tx) => tx.execute(add(1)))
    const body = database.transaction(async (tx) => {
      await tx.execute(add(2))
      await tx.execute(add(1)).catch(() => undefined)
    })
    await assert.rejects(body, withCode('transaction-lost'))
    assert.deepEqual(model.contents('item'), [{ id: 1, n: 0 }])
  })

  test('a deadlock fails one of two transactions, and says that nothing of it was stored', async () => {
    const model = new PostgresModel(schema)
    const database = postgresModelDatabase(model)
    await database.atomically([add(1), add(2)])
    const inOrder = (first: number, second: number) =>
      database.transaction(async (tx) => {
        await tx.execute(increment(first))
        await settled()
        await tx.execute(increment(second))
      })
    const outcomes = await Promise.allSettled([inOrder(1, 2), inOrder(2, 1)])
    const failures = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []))
    assert.equal(failures.length, 1)
    assert.ok(withCode('deadlock')(failures[0]))
    assert.deepEqual(
      model.contents('item').map(({ n }) => n),
      [1, 1],
    )
  })

  test('a process that dies leaves nothing open, and hears nothing any more', async () => {
    const model = new PostgresModel(schema)
    const dying = postgresModelDatabase(model, { name: 'dying' })
    const other = postgresModelDatabase(model, { name: 'other' })
    await other.transaction((tx) => tx.execute(add(1)))
    let ended = false
    void dying
      .transaction(async (tx) => {
        await tx.execute(increment(1))
        await new Promise(() => undefined)
      })
      .finally(() => (ended = true))
    await settled()
    const waiting = other.transaction((tx) => tx.execute(increment(1)))
    await settled()
    dying.crash()
    assert.deepEqual(await waiting, { rowCount: 1 })
    await assert.rejects(dying.query(toSql(select('item'))), withCode('database-closed'))
    assert.equal(ended, false)
    assert.deepEqual(model.contents('item'), [{ id: 1, n: 1 }])
  })

  test('an abort ends the wait for a lock', async () => {
    const model = new PostgresModel(schema)
    const database = postgresModelDatabase(model)
    const gate = Promise.withResolvers<void>()
    const lock = toSql(advisoryLock(1))
    const holder = database.transaction(async (tx) => {
      await tx.execute(lock)
      await gate.promise
    })
    const controller = new AbortController()
    const waiter = database.transaction((tx) => tx.execute(lock), { signal: controller.signal })
    await settled()
    assert.equal(model.waiting().length, 1)
    controller.abort(new Error('no longer wanted'))
    await assert.rejects(waiter, /no longer wanted/)
    assert.equal(model.waiting().length, 0)
    gate.resolve()
    await holder
  })

  test('a transaction inside the body of another is refused, as it could wait for ever', async () => {
    const database = postgresModelDatabase(new PostgresModel(schema))
    const nested = database.transaction(() => database.transaction(async () => undefined))
    await assert.rejects(nested, withCode('transaction-nested'))
  })

  test('query refuses what changes something, a number of a sequence included', async () => {
    const database = postgresModelDatabase(new PostgresModel(schema))
    for (const statement of [select('item', { forUpdate: 'wait' }), evaluation(plus(1, nextval('ticket')))]) {
      await assert.rejects(database.query(toSql(statement)), withCode('configuration'))
    }
    assert.deepEqual(await database.query(toSql(evaluation(plus(1, 1)))), [{ value: 2 }])
  })

  test('text is run by the structure that is given for it, and refused without one', async () => {
    const statements = { 'UPDATE item SET n = 7': () => update('item', { n: 7 }) }
    const database = postgresModelDatabase(new PostgresModel(schema), { statements })
    await database.transaction((tx) => tx.execute(add(1)))
    assert.deepEqual(await database.atomically([{ sql: 'UPDATE item SET n = 7' }]), [{ rowCount: 1 }])
    await assert.rejects(database.atomically([{ sql: 'UPDATE item SET n = 8' }]), withCode('configuration'))
  })
})
