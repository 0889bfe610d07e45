import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import {
  type Notification,
  type Session,
  begin,
  commit,
  equals,
  evaluation,
  insert,
  listen,
  nextval,
  notify,
  rollback,
  select,
  unlisten,
  update,
} from '../../src/postgres-model/index.ts'
import { attempt, inTransactions, settled, tableOfRows } from './table-of-rows.ts'

const set = (id: number, n: number) => update('item', { n }, { where: equals('id', id) })

function heard(session: Session): Notification[] {
  const notifications: Notification[] = []
  session.onNotification((notification) => notifications.push(notification))
  return notifications
}

void suite('the PostgreSQL model: sessions', () => {
  test('after an error a transaction takes nothing but its end, and COMMIT rolls it back', async () => {
    const model = await tableOfRows()
    const [session] = await inTransactions(model, 'one')
    await session!.execute(set(1, 99))
    await assert.rejects(session!.execute(insert('item', [{ id: 2, n: 1 }])), { code: '23505', constraint: 'item_pkey' })
    await assert.rejects(session!.execute(select('item')), { code: '25P02' })
    await session!.execute(commit)
    assert.equal(session!.state, 'idle')
    assert.deepEqual(
      model.contents('item').map(({ n }) => n),
      [10, 10, 10],
    )
  })

  test('a statement alone is a transaction: all of it or nothing', async () => {
    const model = await tableOfRows()
    const session = model.connect()
    const rows = [
      { id: 4, n: 1 },
      { id: 1, n: 1 },
    ]
    await assert.rejects(session.execute(insert('item', rows)), { code: '23505' })
    assert.equal(session.state, 'idle')
    assert.equal(model.contents('item').length, 3)
  })

  test('what a table does not take is refused by the code that PostgreSQL gives', async () => {
    const session = (await tableOfRows()).connect()
    const refused = [
      ['23502', insert('item', [{ id: 9 }])],
      ['23514', insert('item', [{ id: 9, n: -1 }])],
      ['42804', insert('item', [{ id: 'nine', n: 1 }])],
      ['22021', insert('item', [{ id: 9, n: 1, name: 'a\0' }])],
      ['22003', insert('item', [{ id: 2 ** 60, n: 1 }])],
      ['42703', insert('item', [{ id: 9, n: 1, colour: 'red' }])],
      ['42883', select('item', { where: equals('n', 'ten') })],
      ['42P01', select('nowhere')],
    ] as const
    for (const [code, statement] of refused) await assert.rejects(session.execute(statement), { code })
  })

  test('statements of one session come one after another', async () => {
    const model = await tableOfRows()
    const session = model.connect()
    const results = await Promise.all(
      [begin, set(1, 1), select('item', { where: equals('n', 1) }), rollback].map((each) => session.execute(each)),
    )
    assert.deepEqual(
      results.map(({ rowCount }) => rowCount),
      [0, 1, 1, 0],
    )
    assert.equal(model.contents('item').filter(({ n }) => n === 1).length, 0)
  })

  test('a client that is gone leaves its transaction to be rolled back, and hears no more', async () => {
    const model = await tableOfRows()
    const [gone, other] = await inTransactions(model, 'gone', 'other')
    await gone!.execute(set(1, 1))
    const waiting = attempt(other!, set(1, 2))
    gone!.disconnect()
    await settled()
    assert.deepEqual(waiting.outcome, { rows: [], rowCount: 1 })
    assert.equal(gone!.state, 'closed')
    const unheard = attempt(gone!, select('item'))
    await settled()
    assert.equal(unheard.outcome, 'waits')
  })

  test('a statement that waits outlives its client: alone it commits, in a block it is rolled back', async () => {
    const model = await tableOfRows()
    const [holder, inBlock] = await inTransactions(model, 'holder', 'in a block')
    const alone = model.connect('alone')
    await holder!.execute(set(1, 1))
    await holder!.execute(set(2, 1))
    const unheard = [attempt(alone, set(1, 2)), attempt(inBlock!, set(2, 2))]
    alone.disconnect()
    inBlock!.disconnect()
    await holder!.execute(commit)
    await settled()
    assert.deepEqual(
      unheard.map(({ outcome }) => outcome),
      ['waits', 'waits'],
    )
    assert.deepEqual(
      [1, 2].map((id) => model.contents('item').find((row) => row['id'] === id)!['n']),
      [2, 1],
    )
  })

  test('a statement that waits can be canceled, and a connection ended', async () => {
    const model = await tableOfRows()
    const [holder, canceled, ended, next] = await inTransactions(model, 'holder', 'canceled', 'ended', 'next')
    await holder!.execute(set(1, 1))
    const waiting = [attempt(canceled!, set(1, 2)), attempt(ended!, set(1, 3)), attempt(next!, set(1, 4))]
    canceled!.cancel()
    ended!.terminate()
    await settled()
    assert.deepEqual(
      waiting.map(({ outcome }) => outcome),
      [{ error: '57014' }, { error: '57P01' }, 'waits'],
    )
    assert.deepEqual([canceled!.state, ended!.state], ['failed', 'closed'])
    await holder!.execute(commit)
    await settled()
    assert.deepEqual(waiting[2]!.outcome, { rows: [], rowCount: 1 })
    await assert.rejects(ended!.execute(select('item')), { code: '57P01' })
  })

  test('a crash of the server keeps what was committed, ends every connection, and skips numbers that were logged ahead', async () => {
    const model = await tableOfRows()
    const [open, waiting] = await inTransactions(model, 'open', 'waiting')
    await open!.execute(set(1, 1))
    await open!.execute(evaluation(nextval('entry_position')))
    const blocked = attempt(waiting!, set(1, 2))
    model.crash()
    await settled()
    assert.deepEqual(blocked.outcome, { error: '57P02' })
    await assert.rejects(open!.execute(commit), { code: '57P02' })
    assert.equal(model.contents('item').find(({ id }) => id === 1)!['n'], 10)
    const after = model.connect()
    assert.deepEqual((await after.execute(evaluation(nextval('entry_position')))).rows, [{ value: 34 }])
    assert.equal((await after.execute(set(1, 5))).rowCount, 1)
  })

  test('notifications come at the commit, in the order of commits, and never in the middle of a transaction', async () => {
    const model = await tableOfRows()
    const [first, second, third] = await inTransactions(model, 'first', 'second', 'third')
    const listener = model.connect()
    const heardOutside = heard(listener)
    await listener.execute(listen('orders'))
    const heardInside = heard(third!)
    await third!.execute(listen('orders'))
    await third!.execute(commit)
    await third!.execute(begin)
    await first!.execute(notify('orders', 'of the first'))
    await first!.execute(notify('orders', 'of the first'))
    await first!.execute(notify('elsewhere', 'unheard'))
    await second!.execute(notify('orders', 'of the second'))
    assert.deepEqual(heardOutside, [])
    await second!.execute(commit)
    await first!.execute(commit)
    const both = ['of the second', 'of the first'].map((payload) => ({ channel: 'orders', payload }))
    assert.deepEqual(heardOutside, both)
    assert.deepEqual(heardInside, [])
    await third!.execute(commit)
    assert.deepEqual(heardInside, both)
  })

  test('what rolls back notifies nobody, and listens to nothing', async () => {
    const model = await tableOfRows()
    const [session] = await inTransactions(model, 'one')
    const notifications = heard(session!)
    await session!.execute(listen('orders'))
    await session!.execute(notify('orders'))
    await session!.execute(rollback)
    await session!.execute(notify('orders', 'later'))
    assert.deepEqual(notifications, [])
    await session!.execute(listen('orders'))
    await session!.execute(notify('orders', 'to itself'))
    await session!.execute(unlisten('orders'))
    await session!.execute(notify('orders', 'too late'))
    assert.deepEqual(notifications, [{ channel: 'orders', payload: 'to itself' }])
  })
})
