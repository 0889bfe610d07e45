import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import {
  type LockWait,
  advisoryLock,
  begin,
  column,
  commit,
  deleteFrom,
  equals,
  excluded,
  insert,
  plus,
  rollback,
  select,
  tryAdvisoryLock,
  update,
} from '../../src/postgres-model/index.ts'
import { attempt, inTransactions, settled, tableOfRows } from './table-of-rows.ts'

const set = (id: number, n: number) => update('item', { n }, { where: equals('id', id) })
const lock = (wait: LockWait, limit = 10) => select('item', { columns: ['id'], orderBy: [{ column: 'id' }], limit, forUpdate: wait })

void suite('the PostgreSQL model: locks', () => {
  test('waiters of a row get it in the order in which they came', async () => {
    const model = await tableOfRows()
    const [holder, ...others] = await inTransactions(model, 'holder', 'one', 'two', 'three')
    await holder!.execute(lock('wait'))
    const order: string[] = []
    const taken = others.map(async (session) => {
      await session.execute(set(1, 1))
      order.push(session.name)
      await session.execute(commit)
    })
    await settled()
    assert.deepEqual(order, [])
    // The first waits for the holder, and the others for the first to have had its turn.
    assert.deepEqual(
      model.waiting().map(({ session, blocker }) => [session.name, blocker.name]),
      [
        ['one', 'holder'],
        ['two', 'one'],
        ['three', 'one'],
      ],
    )
    await holder!.execute(commit)
    await Promise.all(taken)
    assert.deepEqual(order, ['one', 'two', 'three'])
  })

  test('SKIP LOCKED leaves out what others hold, so that a later row is taken before an earlier one', async () => {
    const model = await tableOfRows()
    const [first, second] = await inTransactions(model, 'first', 'second')
    assert.deepEqual((await first!.execute(lock('skip-locked', 1))).rows, [{ id: 1 }])
    assert.deepEqual((await second!.execute(lock('skip-locked', 1))).rows, [{ id: 2 }])
    await second!.execute(commit)
    await first!.execute(rollback)
    assert.deepEqual((await second!.execute(lock('skip-locked', 1))).rows, [{ id: 1 }])
  })

  test('NOWAIT fails at once where another transaction holds a row', async () => {
    const model = await tableOfRows()
    const [first, second] = await inTransactions(model, 'first', 'second')
    await first!.execute(set(2, 0))
    await assert.rejects(second!.execute(lock('nowait')), { code: '55P03' })
    assert.equal(second!.state, 'failed')
  })

  test('a locked row comes in its old place with its new values, and not at all if it no longer fits', async () => {
    const model = await tableOfRows()
    const [writer, reader] = await inTransactions(model, 'writer', 'reader')
    await writer!.execute(set(1, 30))
    await writer!.execute(update('item', { name: 'gone' }, { where: equals('id', 2) }))
    await writer!.execute(deleteFrom('item', { where: equals('id', 3) }))
    const locked = attempt(
      reader!,
      select('item', { columns: ['id', 'n', 'name'], orderBy: [{ column: 'n' }, { column: 'id' }], forUpdate: 'wait' }),
    )
    await writer!.execute(commit)
    await settled()
    assert.deepEqual(locked.outcome, {
      rows: [
        { id: 1, n: 30, name: null },
        { id: 2, n: 10, name: 'gone' },
      ],
      rowCount: 2,
    })
  })

  test('a row that was chosen and does not fit any more after the wait is left out, and the next one counts for the limit', async () => {
    const model = await tableOfRows()
    const [writer, reader] = await inTransactions(model, 'writer', 'reader')
    await writer!.execute(set(1, 0))
    const wanted = select('item', { columns: ['id'], where: equals('n', 10), orderBy: [{ column: 'id' }], limit: 1, forUpdate: 'wait' })
    const locked = attempt(reader!, wanted)
    await writer!.execute(commit)
    await settled()
    assert.deepEqual(locked.outcome, { rows: [{ id: 2 }], rowCount: 1 })
  })

  test('an upsert that waited for a lock starts anew with what the holder of the lock has written', async () => {
    const model = await tableOfRows()
    const [holder, upserter] = await inTransactions(model, 'holder', 'upserter')
    await holder!.execute(lock('wait', 1))
    const added = attempt(
      upserter!,
      insert('item', [{ id: 1, n: 1 }], {
        onConflict: { do: 'update', target: ['id'], set: { n: plus(column('n'), excluded('n')) } },
        returning: ['n'],
      }),
    )
    await settled()
    assert.equal(added.outcome, 'waits')
    await holder!.execute(set(1, 50))
    await holder!.execute(commit)
    await settled()
    assert.deepEqual(added.outcome, { rows: [{ n: 51 }], rowCount: 1 })
  })

  test('an INSERT of a key that another transaction inserts waits for its end', async () => {
    const model = await tableOfRows()
    const [first, second, third] = await inTransactions(model, 'first', 'second', 'third')
    const four = insert('item', [{ id: 4, n: 1 }])
    await first!.execute(four)
    const waiting = [attempt(second!, four), attempt(third!, insert('item', [{ id: 4, n: 9 }], { onConflict: { do: 'nothing' } }))]
    await settled()
    assert.deepEqual(
      waiting.map(({ outcome }) => outcome),
      ['waits', 'waits'],
    )
    await first!.execute(commit)
    await settled()
    assert.deepEqual(
      waiting.map(({ outcome }) => outcome),
      [{ error: '23505' }, { rows: [], rowCount: 0 }],
    )
  })

  test('when the first inserter rolls back, the second one inserts and the third waits for it', async () => {
    const model = await tableOfRows()
    const [first, second, third] = await inTransactions(model, 'first', 'second', 'third')
    const four = insert('item', [{ id: 4, n: 1 }])
    await first!.execute(four)
    const waiting = [attempt(second!, four), attempt(third!, four)]
    await first!.execute(rollback)
    await settled()
    assert.deepEqual(
      waiting.map(({ outcome }) => outcome),
      [{ rows: [], rowCount: 1 }, 'waits'],
    )
  })

  test('of concurrent upserts each adds its own', async () => {
    const model = await tableOfRows()
    const add = insert('item', [{ id: 4, n: 1 }], {
      onConflict: { do: 'update', target: ['id'], set: { n: plus(column('n'), excluded('n')) } },
    })
    const sessions = await inTransactions(model, 'one', 'two', 'three')
    await Promise.all(
      sessions.map(async (session) => {
        await session.execute(add)
        await session.execute(commit)
      }),
    )
    assert.equal(model.contents('item').find(({ id }) => id === 4)!['n'], 3)
  })

  test('an upsert cannot change a row twice in one statement', async () => {
    const model = await tableOfRows()
    const twice = insert(
      'item',
      [
        { id: 4, n: 1 },
        { id: 4, n: 2 },
      ],
      { onConflict: { do: 'update', target: ['id'], set: { n: excluded('n') } } },
    )
    await assert.rejects(model.connect().execute(twice), { code: '21000' })
  })

  test('of two transactions that wait for each other the one that closed the circle fails, and the other goes on', async () => {
    const model = await tableOfRows()
    const [first, second] = await inTransactions(model, 'first', 'second')
    await first!.execute(set(1, 1))
    await second!.execute(set(2, 2))
    const waiting = attempt(first!, set(2, 1))
    await assert.rejects(second!.execute(set(1, 2)), { code: '40P01', message: /second waits for first waits for second/ })
    await settled()
    assert.deepEqual(waiting.outcome, { rows: [], rowCount: 1 })
    await first!.execute(commit)
    assert.equal(second!.state, 'failed')
    assert.deepEqual((await model.connect().execute(select('item', { columns: ['n'], orderBy: [{ column: 'id' }] }))).rows, [
      { n: 1 },
      { n: 1 },
      { n: 10 },
    ])
  })

  test('three in a circle, over a row, a key and an advisory lock, are a deadlock too', async () => {
    const model = await tableOfRows()
    const [first, second, third] = await inTransactions(model, 'first', 'second', 'third')
    await first!.execute(set(1, 1))
    await second!.execute(insert('item', [{ id: 9, n: 1 }]))
    await third!.execute(advisoryLock(7))
    const waiting = [attempt(first!, insert('item', [{ id: 9, n: 1 }])), attempt(second!, advisoryLock(7))]
    await settled()
    assert.deepEqual(
      model.waiting().map(({ session, blocker }) => [session.name, blocker.name]),
      [
        ['first', 'second'],
        ['second', 'third'],
      ],
    )
    await assert.rejects(third!.execute(set(1, 3)), { code: '40P01' })
    await settled()
    assert.deepEqual(waiting[1]!.outcome, { rows: [{ value: '' }], rowCount: 1 })
  })

  test('an advisory lock is held to the end of the transaction, and handed to the first who waits', async () => {
    const model = await tableOfRows()
    const [first, second, third] = await inTransactions(model, 'first', 'second', 'third')
    await first!.execute(advisoryLock(1))
    await first!.execute(advisoryLock(1))
    const waiting = attempt(second!, advisoryLock(1))
    assert.deepEqual((await third!.execute(tryAdvisoryLock(1))).rows, [{ value: false }])
    await first!.execute(rollback)
    await settled()
    assert.deepEqual(waiting.outcome, { rows: [{ value: '' }], rowCount: 1 })
    assert.deepEqual((await third!.execute(tryAdvisoryLock(1))).rows, [{ value: false }])
    await second!.execute(commit)
    assert.deepEqual((await third!.execute(tryAdvisoryLock(1))).rows, [{ value: true }])
  })

  test('a failed statement gives its locks back at once, before its block is ended', async () => {
    const model = await tableOfRows()
    const [first, second] = await inTransactions(model, 'first', 'second')
    await first!.execute(set(1, 1))
    const waiting = attempt(second!, set(1, 2))
    await assert.rejects(first!.execute(set(2, -1)), { code: '23514' })
    await settled()
    assert.deepEqual(waiting.outcome, { rows: [], rowCount: 1 })
    await assert.rejects(first!.execute(begin), { code: '25P02' })
  })

  test('who of several goes on first can be chosen', async () => {
    const winner = async (choose: () => number) => {
      const model = await tableOfRows({ choose })
      const [first, ...others] = await inTransactions(model, 'first', 'second', 'third')
      await first!.execute(insert('item', [{ id: 4, n: 1 }]))
      const waiting = others.map((session) => attempt(session, insert('item', [{ id: 4, n: 1 }])))
      await first!.execute(rollback)
      await settled()
      return waiting.findIndex(({ outcome }) => outcome !== 'waits')
    }
    assert.equal(await winner(() => 0), 0)
    assert.equal(await winner(() => 1), 1)
  })
})
