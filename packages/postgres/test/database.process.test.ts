import assert from 'node:assert/strict'
import { type TestContext, suite, test } from 'node:test'
import { LimitExceededError, SeaworthyError, TimeoutError, UnavailableError, executedOf } from 'seaworthy/core'
import {
  CommitFailedError,
  ConnectionLostError,
  DeadlockError,
  NestedTransactionError,
  type PostgresDatabaseOptions,
  PostgresConstraintError,
  PostgresError,
  SerializationError,
  StatementRefusedError,
  TransactionLostError,
  openPostgresDatabase,
} from '@seaworthy/postgres'
import { eventually } from '@seaworthy/testing'
import { databaseForTest } from './server.ts'

async function open(t: TestContext, options: Omit<PostgresDatabaseOptions, 'connection'> = {}) {
  const under = await databaseForTest(options)
  t.after(under.dispose)
  await under.database.transaction((tx) => tx.execute({ sql: 'CREATE TABLE item (id int PRIMARY KEY, n int NOT NULL)' }))
  const observer = await under.connect()
  const active = async (query: string) => {
    const { rows } = await observer.query<{ pid: number; wait: string | null; state: string }>(
      `SELECT pid, wait_event_type AS wait, state FROM pg_stat_activity WHERE query LIKE $1 AND pid <> pg_backend_pid() AND state <> 'idle'`,
      [query],
    )
    return rows
  }
  return { ...under, observer, active }
}

const insert = (id: number) => ({ sql: 'INSERT INTO item VALUES ($1, 0)', params: [id] })
const bump = (id: number) => ({ sql: 'UPDATE item SET n = n + 1 WHERE id = $1', params: [id] })
const SLEEP = { sql: 'SELECT pg_sleep(60)' }

suite('a PostgreSQL database', () => {
  test('an abort ends the statement on the server, and frees its locks, before the caller hears of it', async (t) => {
    const { database, active } = await open(t)
    await database.transaction((tx) => tx.execute(insert(1)))
    const controller = new AbortController()
    const reason = new Error('never mind')
    const running = database.transaction(
      async (tx) => {
        await tx.execute(bump(1))
        await tx.query(SLEEP)
      },
      { signal: controller.signal },
    )
    await eventually('the statement runs', async () => (await active('SELECT pg_sleep%')).length === 1)
    controller.abort(reason)
    await assert.rejects(running, (error) => error === reason)
    assert.deepEqual(await active('SELECT pg_sleep%'), [])
    await database.transaction((tx) => tx.execute({ sql: 'SELECT 1 FROM item WHERE id = 1 FOR UPDATE NOWAIT' }))
  })

  test('a timeout ends a wait for a lock', async (t) => {
    const { database, observer } = await open(t)
    await database.transaction((tx) => tx.execute(insert(1)))
    await observer.query('BEGIN; UPDATE item SET n = 7')
    const waiting = database.transaction((tx) => tx.execute(bump(1)), { timeoutMs: 50 })
    await assert.rejects(waiting, (error) => error instanceof TimeoutError && error.executed === 'no')
    await observer.query('COMMIT')
    assert.deepEqual(await database.query({ sql: 'SELECT n FROM item' }), [{ n: 7 }])
  })

  test('a query that takes too long ends on the server too', async (t) => {
    const { database, active } = await open(t, { queryTimeoutMs: 50 })
    await assert.rejects(database.query(SLEEP), (error) => error instanceof PostgresError && error.code === 'statement-cancelled')
    assert.deepEqual(await active('SELECT pg_sleep%'), [])
  })

  test('a session that the server ends is a lost connection, nothing executed, and the next transaction gets another', async (t) => {
    const { database, observer } = await open(t)
    const lost = database.transaction(async (tx) => {
      const [row] = await tx.query<{ pid: number }>({ sql: 'SELECT pg_backend_pid() AS pid' })
      await tx.execute(insert(1))
      await observer.query('SELECT pg_terminate_backend($1)', [row!.pid])
      await tx.execute(insert(2))
    })
    await assert.rejects(lost, (error) => error instanceof ConnectionLostError && error.executed === 'no')
    await database.transaction((tx) => tx.execute(insert(3)))
    assert.deepEqual(await database.query({ sql: 'SELECT id FROM item' }), [{ id: 3 }])
  })

  test('a session that ends while it commits leaves the outcome unknown', async (t) => {
    const { database, observer, active } = await open(t)
    await database.transaction((tx) =>
      tx.script(`CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(60); RETURN NULL; END';
        CREATE CONSTRAINT TRIGGER dawdle AFTER INSERT ON item DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION dawdle()`),
    )
    const committing = database.transaction((tx) => tx.execute(insert(1)))
    const unknown = assert.rejects(committing, (error) => error instanceof CommitFailedError && error.executed === 'maybe')
    await eventually('the commit is under way', async () => (await active('COMMIT')).length === 1)
    await observer.query('SELECT pg_terminate_backend($1)', [(await active('COMMIT'))[0]!.pid])
    await unknown
  })

  test('a commit that gets no answer in time leaves the outcome unknown', async (t) => {
    const { database, observer, active } = await open(t, { commitTimeoutMs: 50 })
    await database.transaction((tx) =>
      tx.script(`CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(60); RETURN NULL; END';
        CREATE CONSTRAINT TRIGGER dawdle AFTER INSERT ON item DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION dawdle()`),
    )
    await assert.rejects(
      database.transaction((tx) => tx.execute(insert(1))),
      CommitFailedError,
    )
    for (const { pid } of await active('COMMIT')) await observer.query('SELECT pg_terminate_backend($1)', [pid])
  })

  test('a constraint that is checked at the commit is a constraint, and nothing is stored', async (t) => {
    const { database } = await open(t)
    await database.transaction((tx) => tx.execute({ sql: 'CREATE TABLE part (item int REFERENCES item DEFERRABLE INITIALLY DEFERRED)' }))
    await assert.rejects(
      database.transaction((tx) => tx.execute({ sql: 'INSERT INTO part VALUES (1)' })),
      (error) => error instanceof PostgresConstraintError && error.kind === 'foreign-key' && error.executed === 'no',
    )
  })

  test('a body that catches the error of a statement and goes on is told that nothing was stored, and why', async (t) => {
    const { database } = await open(t)
    await database.transaction((tx) => tx.execute(insert(1)))
    const careless = database.transaction(async (tx) => {
      await tx.execute(insert(2))
      await tx.execute(insert(1)).catch(() => undefined)
    })
    await assert.rejects(careless, (error) => error instanceof TransactionLostError && error.cause instanceof PostgresConstraintError)
    const stubborn = database.transaction(async (tx) => {
      await tx.execute(insert(1)).catch(() => undefined)
      await tx.execute(insert(3))
    })
    await assert.rejects(stubborn, (error) => error instanceof TransactionLostError && error.cause instanceof PostgresConstraintError)
    assert.deepEqual(await database.query({ sql: 'SELECT id FROM item' }), [{ id: 1 }])
  })

  test('of two transactions that wait for each other one is ended, typed, and may be run again', async (t) => {
    const { database } = await open(t)
    await database.transaction(async (tx) => {
      await tx.execute(insert(1))
      await tx.execute(insert(2))
    })
    const both = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const
    const crossing = (first: number, second: number, mine: 0 | 1) =>
      database.transaction(async (tx) => {
        await tx.execute(bump(first))
        both[mine].resolve()
        await both[mine === 0 ? 1 : 0].promise
        await tx.execute(bump(second))
      })
    const outcomes = await Promise.allSettled([crossing(1, 2, 0), crossing(2, 1, 1)])
    const [refused, ...others] = outcomes.filter((outcome) => outcome.status === 'rejected')
    assert.equal(others.length, 0)
    assert.ok(refused?.reason instanceof DeadlockError && refused.reason.executed === 'no' && !refused.reason.final)
  })

  test('a transaction that is not serializable is told so', async (t) => {
    const { database, observer } = await open(t)
    await database.transaction((tx) => tx.execute(insert(1)))
    const outdated = database.transaction(
      async (tx) => {
        await tx.query({ sql: 'SELECT n FROM item' })
        await observer.query('UPDATE item SET n = 5')
        await tx.execute(bump(1))
      },
      { isolation: 'repeatable-read' },
    )
    await assert.rejects(outdated, (error) => error instanceof SerializationError && error.executed === 'no' && !error.final)
  })

  test('of statements that were sent together with their commit, an answer that is lost leaves the outcome unknown', async (t) => {
    const { database, observer, active } = await open(t)
    const sending = database.atomically([insert(1), SLEEP, insert(2)])
    const unknown = assert.rejects(sending, (error) => error instanceof CommitFailedError && error.executed === 'maybe')
    await eventually('a statement runs', async () => (await active('SELECT pg_sleep%')).length === 1)
    await observer.query('SELECT pg_terminate_backend($1)', [(await active('SELECT pg_sleep%'))[0]!.pid])
    await unknown
  })

  test('a session that gave no answer in time is closed, and who waited for its place gets another', async (t) => {
    const { database, active } = await open(t, { transactionsMax: 1, transactionTimeoutMs: 1_000, commitTimeoutMs: 200 })
    const silent = assert.rejects(database.atomically([insert(1), SLEEP]), CommitFailedError)
    await eventually('a statement runs', async () => (await active('SELECT pg_sleep%')).length === 1)
    const { pid } = (await active('SELECT pg_sleep%'))[0]!
    const next = database.atomically([insert(2)])
    process.kill(pid, 'SIGSTOP')
    try {
      await silent
      await next
    } finally {
      // What asked it to end its statement meanwhile ends it now.
      process.kill(pid, 'SIGCONT')
    }
    assert.deepEqual(await database.query({ sql: 'SELECT id FROM item' }), [{ id: 2 }])
  })

  test('a session that the server ends under a query is lost to that query alone', async (t) => {
    const { database, observer, active } = await open(t, { queriesMax: 1 })
    const lost = assert.rejects(database.query(SLEEP), (error) => error instanceof ConnectionLostError && error.executed === 'no')
    await eventually('the query runs', async () => (await active('SELECT pg_sleep%')).length === 1)
    const next = database.query({ sql: 'SELECT 1 AS one' })
    await observer.query('SELECT pg_terminate_backend($1)', [(await active('SELECT pg_sleep%'))[0]!.pid])
    await lost
    assert.deepEqual(await next, [{ one: 1 }])
  })

  test('a body that may take longer than others may also wait for longer between two statements', async (t) => {
    const { database } = await open(t, { transactionTimeoutMs: 1_000 })
    const limit = async (timeoutMs?: number) =>
      database.transaction(
        async (tx) =>
          (await tx.query<{ limit: string }>({ sql: "SELECT current_setting('idle_in_transaction_session_timeout') AS limit" }))[0]!.limit,
        timeoutMs === undefined ? {} : { timeoutMs },
      )
    assert.deepEqual([await limit(), await limit(60_000), await limit()], ['6s', '65s', '6s'])
  })

  test('of statements that are sent together, one with a parameter that is none leaves nothing of the others, not for the next transaction either', async (t) => {
    // One session for all.
    const { database } = await open(t, { transactionsMax: 1 })
    for (const [id, none] of [true, {}, new Date(0), Symbol('none')].entries()) {
      const both = database.atomically([insert(id), { ...bump(id), params: [none as unknown as null] }])
      await assert.rejects(both, (error) => error instanceof StatementRefusedError && error.executed === 'no')
      await database.atomically([insert(id + 10)])
    }
    assert.deepEqual(await database.query({ sql: 'SELECT id FROM item ORDER BY id' }), [{ id: 10 }, { id: 11 }, { id: 12 }, { id: 13 }])
  })

  test('of statements that are sent together, one that fails or is refused leaves nothing of the others', async (t) => {
    const { database, observer } = await open(t, { transactionTimeoutMs: 100 })
    await database.atomically([insert(1), insert(2)])
    const failing = database.atomically([insert(3), insert(1), insert(4)])
    await assert.rejects(failing, (error) => error instanceof PostgresConstraintError && error.executed === 'no')
    await assert.rejects(database.atomically([insert(5), { sql: 'COMMIT' }]), StatementRefusedError)
    await observer.query('BEGIN; UPDATE item SET n = 7 WHERE id = 2')
    const waiting = database.atomically([insert(6), bump(2)])
    await assert.rejects(waiting, (error) => error instanceof TimeoutError && error.executed === 'no')
    await observer.query('ROLLBACK')
    assert.deepEqual(await database.query({ sql: 'SELECT id, n FROM item ORDER BY id' }), [
      { id: 1, n: 0 },
      { id: 2, n: 0 },
    ])
  })

  test('statements that are sent together may write in their own transaction alone, and see what is committed whatever the role has by default', async (t) => {
    const { database, openAnother, observer } = await open(t, { transactionsMax: 1, queriesMax: 1 })
    const { rows } = await observer.query<{ role: string }>('SELECT current_user AS role')
    const role = observer.escapeIdentifier(rows[0]!.role)
    await observer.query(`ALTER ROLE ${role} SET default_transaction_isolation = 'serializable'`)
    const [opened] = await Promise.allSettled([openAnother()])
    await observer.query(`ALTER ROLE ${role} RESET default_transaction_isolation`)
    assert.ok(opened.status === 'fulfilled')
    for (const under of [database, opened.value]) {
      const setting = { sql: "INSERT INTO item SELECT length(current_setting('transaction_isolation')), 0" }
      await under.atomically([setting, bump(1)])
      assert.deepEqual(await under.query({ sql: 'SELECT id FROM item' }), [{ id: 'read committed'.length }])
      await under.atomically([{ sql: 'DELETE FROM item' }])
      // On the session that wrote just now.
      await assert.rejects(under.query(insert(3)), StatementRefusedError)
      assert.deepEqual(await under.query({ sql: 'SELECT id FROM item' }), [])
    }
  })

  test('statements that ask for a BEGIN are sent together with one', async (t) => {
    const { database } = await open(t)
    await database.atomically([{ sql: 'LOCK TABLE item' }, { sql: "SET LOCAL lock_timeout = '1s'" }, insert(1)])
    await assert.rejects(database.atomically([insert(2), { sql: 'VACUUM item' }]), PostgresError)
    await assert.rejects(database.atomically([{ sql: 'VACUUM item' }, insert(2)]), PostgresError)
    assert.deepEqual(await database.query({ sql: 'SELECT id FROM item' }), [{ id: 1 }])
  })

  test('a session keeps the statements that it was sent together last, those of a batch that failed too, and no more than a hundred', async (t) => {
    const { database } = await open(t, { transactionsMax: 1 })
    // The second is parsed and fails; the third is not even read. Both are in order afterwards.
    for (const fails of [true, true, false]) {
      const sent = database.atomically([insert(1), { sql: 'INSERT INTO item VALUES ($1, $2)', params: [fails ? 1 : 2, 0] }, bump(1)])
      if (fails) await assert.rejects(sent, PostgresConstraintError)
      else assert.deepEqual(await sent, [{ rowCount: 1 }, { rowCount: 1 }, { rowCount: 1 }])
    }
    const texts = Array.from({ length: 250 }, (_, n) => ({ sql: `UPDATE item SET n = ${n} WHERE id = $1`, params: [1] }))
    await database.atomically(texts)
    for (const text of texts.slice(0, 120)) await assert.rejects(database.atomically([text, insert(1)]), PostgresConstraintError)
    const long = { sql: `UPDATE item SET n = n + 1 WHERE id = $1 -- ${'long '.repeat(1_000)}`, params: [1] }
    assert.deepEqual(await database.atomically([long, texts[7]!, texts[200]!]), [{ rowCount: 1 }, { rowCount: 1 }, { rowCount: 1 }])
    assert.deepEqual(await database.query({ sql: 'SELECT n FROM item WHERE id = 1' }), [{ n: 200 }])
    const look = {
      sql: "UPDATE item SET n = (SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'seaworthy_batch%') WHERE id = 1",
    }
    // The first pushes another out, which goes with the second.
    await database.atomically([look])
    await database.atomically([look])
    assert.deepEqual(await database.query({ sql: 'SELECT n FROM item WHERE id = 1' }), [{ n: 100 }])
  })

  test('a transaction inside the body of another is refused', async (t) => {
    const { database } = await open(t)
    const nested = database.transaction(async () => database.transaction(async () => assert.fail('ran')))
    await assert.rejects(nested, NestedTransactionError)
  })

  test('what would end the transaction or outlive it is refused, and SET LOCAL is not', async (t) => {
    const { database } = await open(t)
    for (const sql of [
      'COMMIT',
      ' /* a */ -- b\n rollback',
      'SAVEPOINT a',
      'SET statement_timeout = 1',
      'SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE',
      'LISTEN a',
      'DISCARD ALL',
    ]) {
      await assert.rejects(
        database.transaction((tx) => tx.execute({ sql })),
        StatementRefusedError,
        sql,
      )
      await assert.rejects(database.query({ sql }), StatementRefusedError, sql)
    }
    await assert.rejects(database.transaction((tx) => tx.execute({ sql: 'SELECT 1; COMMIT' })))
    await database.transaction((tx) => tx.execute({ sql: "SET LOCAL statement_timeout = '1s'" }))
    await database.transaction(async (tx) => {
      const [row] = await tx.query<{ timeout: string }>({ sql: "SELECT current_setting('statement_timeout') AS timeout" })
      assert.equal(row!.timeout, '0')
    })
  })

  test('a script that commits by itself is told so', async (t) => {
    const { database } = await open(t)
    await assert.rejects(
      database.transaction((tx) => tx.script('INSERT INTO item VALUES (1, 0); COMMIT; BEGIN')),
      TransactionLostError,
    )
  })

  test('queries inside bodies find a place, however many transactions run', async (t) => {
    const { database } = await open(t, { transactionsMax: 3, queriesMax: 1 })
    const counts = await Promise.all(
      Array.from({ length: 12 }, () =>
        database.transaction(async () => (await database.query<{ one: number }>({ sql: 'SELECT 1 AS one' }))[0]!.one),
      ),
    )
    assert.equal(counts.length, 12)
  })

  test('who would wait behind too many, or for too long, is refused before anything ran', async (t) => {
    const { database } = await open(t, { transactionsMax: 1, queueMax: 1, waitMs: 30 })
    const gate = Promise.withResolvers<void>()
    const running = database.transaction(() => gate.promise)
    const refused = [1, 2].map(() =>
      assert.rejects(
        database.transaction(async () => assert.fail('ran')),
        (error) => error instanceof LimitExceededError && error.executed === 'no',
      ),
    )
    await Promise.all(refused)
    gate.resolve()
    await running
  })

  test('a server that cannot be reached, or refuses, is told apart', async (t) => {
    const { url } = await open(t)
    const elsewhere = new URL(url)
    elsewhere.port = '1'
    await assert.rejects(openPostgresDatabase({ connection: elsewhere.href }), UnavailableError)
    elsewhere.href = url
    elsewhere.pathname = '/nowhere'
    await assert.rejects(
      openPostgresDatabase({ connection: elsewhere.href }),
      (error) => error instanceof SeaworthyError && error.code === 'configuration' && executedOf(error) === 'no',
    )
  })

  test('what one process notifies another hears, soon, also after their sessions were ended', async (t) => {
    const { database, openAnother, observer } = await open(t)
    const other = await openAnother()
    const heard: string[] = []
    const stop = other.listen('bell', (payload) => heard.push(payload))
    const rings = async (payload: string) => {
      database.notify('bell', payload)
      return heard.includes(payload)
    }
    await eventually('the first ring is heard', () => rings('one'))
    await observer.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'seaworthy signals' AND pid <> pg_backend_pid()",
    )
    await eventually('a ring is heard again', () => rings('two'))
    stop()
    heard.length = 0
    const own: string[] = []
    database.listen('bell', (payload) => own.push(payload))
    other.listen('done', () => heard.push('done'))
    await eventually('a later ring is heard', async () => {
      database.notify('bell', 'three')
      database.notify('done', '')
      return heard.length > 0
    })
    assert.ok(!heard.includes('three'), 'a listener was called after it was stopped')
    assert.deepEqual(own, [], 'a process heard its own bell')
  })

  test('a password is in no error', async (t) => {
    const { url } = await open(t)
    const secret = new URL(url)
    secret.password = 'hunter2'
    secret.port = '1'
    await assert.rejects(openPostgresDatabase({ connection: secret.href }), (error) => !String(error).includes('hunter2'))
  })

  // The last one: every session on the server ends with it.
  test('after a crash of the server what was acknowledged is there, and work goes on', async (t) => {
    const { database, openAnother } = await open(t)
    const listener = await openAnother()
    const heard: string[] = []
    listener.listen('bell', (payload) => heard.push(payload))
    const acknowledged: number[] = []
    const unknown: number[] = []
    let next = 0
    const crashed = new AbortController()
    const writer = async () => {
      while (!crashed.signal.aborted) {
        const id = ++next
        await database
          .transaction((tx) => tx.execute(insert(id)))
          .then(
            () => acknowledged.push(id),
            (error: unknown) => {
              if (executedOf(error) !== 'no') unknown.push(id)
              crashed.abort()
            },
          )
      }
    }
    const writers = Promise.all(Array.from({ length: 6 }, writer))
    await eventually('some are acknowledged', () => acknowledged.length > 20)
    const [victim] = await database.query<{ pid: number }>({ sql: 'SELECT pg_backend_pid() AS pid' })
    process.kill(victim!.pid, 'SIGKILL')
    await writers
    const isBack = async () => {
      try {
        await database.query({ sql: 'SELECT 1 AS one' })
        return true
      } catch (error) {
        assert.equal(executedOf(error), 'no')
        return false
      }
    }
    await eventually('the server is back', isBack, { withinMs: 30_000 })
    const stored = (await database.query<{ id: number }>({ sql: 'SELECT id FROM item ORDER BY id' })).map(({ id }) => id)
    const sure = new Set(acknowledged)
    assert.deepEqual(
      [...sure].filter((id) => !stored.includes(id)),
      [],
      'what was acknowledged is gone',
    )
    assert.deepEqual(
      stored.filter((id) => !sure.has(id) && !unknown.includes(id)),
      [],
      'what surely was not executed is there',
    )
    await database.transaction((tx) => tx.execute(insert(1_000_000)))
    await eventually('bells are heard again', async () => {
      database.notify('bell', 'again')
      return heard.includes('again')
    })
  })
})
