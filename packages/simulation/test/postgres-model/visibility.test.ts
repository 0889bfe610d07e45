import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import {
  begin,
  column,
  commit,
  compare,
  currentXid,
  deleteFrom,
  equals,
  evaluation,
  insert,
  plus,
  rollback,
  select,
  snapshotXmin,
  update,
} from '../../src/postgres-model/index.ts'
import { Heap } from '../../src/postgres-model/heap.ts'
import { Transactions } from '../../src/postgres-model/transactions.ts'
import { attempt, inTransactions, settled, tableOfRows } from './table-of-rows.ts'

const increment = (id: number) => update('item', { n: plus(column('n'), 1) }, { where: equals('id', id) })

void suite('the PostgreSQL model: what a statement sees', () => {
  test('a number of a sequence that was given first can be committed last', async () => {
    const model = await tableOfRows()
    const [slow, fast] = await inTransactions(model, 'slow', 'fast')
    await slow!.execute(insert('entry', [{ note: 'first number' }]))
    await fast!.execute(insert('entry', [{ note: 'second number' }]))
    await fast!.execute(commit)
    const reader = model.connect()
    assert.deepEqual((await reader.execute(select('entry'))).rows, [{ position: 2, note: 'second number' }])
    await slow!.execute(commit)
    const { rows } = await reader.execute(select('entry', { columns: ['position'], orderBy: [{ column: 'position' }] }))
    assert.deepEqual(rows, [{ position: 1 }, { position: 2 }])
  })

  test('a number of a sequence stays given out when its transaction rolls back', async () => {
    const model = await tableOfRows()
    const [session] = await inTransactions(model, 'one')
    await session!.execute(insert('entry', [{ note: 'never seen' }]))
    await session!.execute(rollback)
    await session!.execute(insert('entry', [{ note: 'seen' }]))
    assert.deepEqual(model.contents('entry'), [{ position: 2, note: 'seen' }])
  })

  test('a transaction sees its own writes, and nobody else does before its commit', async () => {
    const model = await tableOfRows()
    const [writer] = await inTransactions(model, 'writer')
    const reader = model.connect()
    await writer!.execute(update('item', { n: 99 }, { where: equals('id', 1) }))
    await writer!.execute(deleteFrom('item', { where: equals('id', 2) }))
    const ids = select('item', { columns: ['id', 'n'], orderBy: [{ column: 'id' }] })
    const before = [1, 2, 3].map((id) => ({ id, n: 10 }))
    assert.deepEqual((await writer!.execute(ids)).rows, [
      { id: 1, n: 99 },
      { id: 3, n: 10 },
    ])
    assert.deepEqual((await reader.execute(ids)).rows, before)
    await writer!.execute(rollback)
    assert.deepEqual((await writer!.execute(ids)).rows, before)
  })

  test('two statements of one transaction can see different rows: a phantom', async () => {
    const model = await tableOfRows()
    const [reader, writer] = await inTransactions(model, 'reader', 'writer')
    const large = select('item', { where: compare(column('n'), '>', 10) })
    assert.equal((await reader!.execute(large)).rowCount, 0)
    await writer!.execute(insert('item', [{ id: 4, n: 11 }]))
    await writer!.execute(commit)
    assert.equal((await reader!.execute(large)).rowCount, 1)
  })

  test('no increment is lost: who waited computes anew from what was committed', async () => {
    const model = await tableOfRows()
    const [first, second] = await inTransactions(model, 'first', 'second')
    await first!.execute(increment(1))
    const waiting = attempt(second!, increment(1))
    await settled()
    assert.equal(waiting.outcome, 'waits')
    await first!.execute(commit)
    await settled()
    assert.deepEqual(waiting.outcome, { rows: [], rowCount: 1 })
    await second!.execute(commit)
    assert.equal(model.contents('item').find(({ id }) => id === 1)!['n'], 12)
  })

  test('what was read in one statement and written in the next is lost to a concurrent increment', async () => {
    const model = await tableOfRows()
    const [first, second] = await inTransactions(model, 'first', 'second')
    const read = select('item', { where: equals('id', 1) })
    const seen = [(await first!.execute(read)).rows[0]!, (await second!.execute(read)).rows[0]!]
    await first!.execute(update('item', { n: Number(seen[0]!['n']) + 1 }, { where: equals('id', 1) }))
    await first!.execute(commit)
    await second!.execute(update('item', { n: Number(seen[1]!['n']) + 1 }, { where: equals('id', 1) }))
    await second!.execute(commit)
    assert.equal(model.contents('item').find(({ id }) => id === 1)!['n'], 11)
  })

  test('the condition is asked again after the wait: one of two takes the last one', async () => {
    const model = await tableOfRows()
    const [first, second] = await inTransactions(model, 'first', 'second')
    const take = update('item', { n: 0 }, { where: compare(column('n'), '>', 0), returning: ['id'] })
    assert.equal((await first!.execute(take)).rowCount, 3)
    const waiting = attempt(second!, take)
    await first!.execute(commit)
    await settled()
    assert.deepEqual(waiting.outcome, { rows: [], rowCount: 0 })
  })

  test('a row that began to fulfil the condition while the statement waited is not found, and one that ceased to is left', async () => {
    const model = await tableOfRows()
    const [first, second] = await inTransactions(model, 'first', 'second')
    await model.connect().execute(update('item', { n: 9 }, { where: equals('id', 1) }))
    await first!.execute(update('item', { n: plus(column('n'), 1) }))
    const waiting = attempt(second!, deleteFrom('item', { where: equals('n', 10) }))
    await first!.execute(commit)
    await settled()
    assert.deepEqual(waiting.outcome, { rows: [], rowCount: 0 })
    await second!.execute(commit)
    assert.deepEqual((await second!.execute(select('item', { columns: ['n'], orderBy: [{ column: 'id' }] }))).rows, [
      { n: 10 },
      { n: 11 },
      { n: 11 },
    ])
  })

  test('a row that moved while the statement waited is followed to where it is now', async () => {
    const model = await tableOfRows()
    const [first, second] = await inTransactions(model, 'first', 'second')
    await first!.execute(update('item', { id: 7 }, { where: equals('id', 1) }))
    await first!.execute(update('item', { n: 20 }, { where: equals('id', 7) }))
    const waiting = attempt(
      second!,
      update('item', { n: plus(column('n'), 1) }, { where: compare(column('n'), '>=', 10), returning: ['id', 'n'] }),
    )
    await first!.execute(commit)
    await settled()
    assert.deepEqual(waiting.outcome, {
      rows: [
        { id: 7, n: 21 },
        { id: 2, n: 11 },
        { id: 3, n: 11 },
      ],
      rowCount: 3,
    })
  })

  test('the horizon stands still while a transaction with an id runs, so that a fenced reader passes nothing over', async () => {
    const model = await tableOfRows()
    const [slow, fast] = await inTransactions(model, 'slow', 'fast')
    const horizon = async () => (await model.connect().execute(evaluation(snapshotXmin()))).rows[0]!['value']
    await slow!.execute(select('item'))
    const free = await horizon()
    const { rows } = await slow!.execute(evaluation(currentXid()))
    assert.equal(rows[0]!['value'], free)
    await fast!.execute(insert('entry', [{ note: 'later' }]))
    await fast!.execute(commit)
    assert.equal(await horizon(), free)
    await slow!.execute(rollback)
    assert.equal(await horizon(), Number(free) + 2)
  })

  test('reading takes no transaction id, and begins no wait', async () => {
    const model = await tableOfRows()
    const [writer, reader] = await inTransactions(model, 'writer', 'reader')
    await writer!.execute(update('item', { n: 0 }))
    const before = (await reader!.execute(evaluation(snapshotXmin()))).rows
    assert.equal((await reader!.execute(select('item', { where: equals('n', 10) }))).rowCount, 3)
    assert.deepEqual((await reader!.execute(evaluation(snapshotXmin()))).rows, before)
    await reader!.execute(begin)
  })

  test('a table that is written often forgets the versions that nobody can see, and keeps its rows', () => {
    const transactions = new Transactions()
    const heap = new Heap('item', { columns: { id: { type: 'bigint' } }, primaryKey: ['id'] }, transactions)
    const kept = heap.add({ id: 1 }, transactions.begin(), 1)
    for (let times = 0; times < 10_000; times++) {
      const xid = transactions.begin()
      Object.assign(heap.add({ id: 2 }, xid, 1), { xmax: xid })
      transactions.end(xid, times % 2 === 0 ? 'committed' : 'aborted')
    }
    assert.ok(heap.versions.includes(kept))
    assert.ok(heap.versions.length < 1_000, `${heap.versions.length} versions`)
  })
})
