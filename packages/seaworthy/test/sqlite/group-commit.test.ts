import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { LimitExceededError, TimeoutError } from 'seaworthy/core'
import { NestedTransactionError, SqliteConstraintError, TransactionLostError } from 'seaworthy/sqlite'
import { VirtualClock } from '@seaworthy/testing'
import { holdOpen, ids, insert, openWithTable } from './items.ts'

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
