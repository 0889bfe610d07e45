import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { type TestContext, suite, test } from 'node:test'
import { DeadlockError, migrate, openPostgresDatabase } from '@seaworthy/postgres'
import { eventually } from '@seaworthy/testing'
import type { Operation } from 'seaworthy/core'
import { OperationRecorder, traceOf } from './recorded-operations.ts'
import { databaseForTest } from './server.ts'
import { runExamples } from '../../../test/servers/run-examples.ts'

const WITHIN = { withinMs: 60_000 }
const TAKE = 'UPDATE thing SET touched = touched + 1 WHERE id = $1'
const TAKE_REDACTED = 'UPDATE thing SET touched = touched + ? WHERE id = $1'
const LOOKERS = "SELECT count(*)::int AS sessions FROM pg_stat_activity WHERE application_name = 'seaworthy locks'"
const WAITING = 'SELECT count(*)::int AS waiting FROM pg_locks WHERE NOT granted'

async function open(t: TestContext) {
  const recorder = new OperationRecorder(t, 'inventory')
  const under = await databaseForTest()
  t.after(under.dispose)
  await migrate(under.database, [
    {
      component: 'thing',
      versions: [
        'CREATE TABLE thing (id int PRIMARY KEY, touched int NOT NULL DEFAULT 0); INSERT INTO thing SELECT generate_series(1, 20)',
      ],
    },
  ])
  const observer = await under.connect()
  const waiting = async () => (await observer.query<{ waiting: number }>(WAITING)).rows[0]!.waiting
  return {
    ...under,
    recorder,
    observer,
    until: (waiters: number) => eventually('they wait', async () => (await waiting()) === waiters, WITHIN),
  }
}

/** Counts from now on how often the server's locks are looked at. */
function lookCounter(t: TestContext): () => number {
  let looks = 0
  const count = () => void looks++
  subscribe('seaworthy:locks.looked', count)
  t.after(() => unsubscribe('seaworthy:locks.looked', count))
  return () => looks
}

/** A promise that the test keeps when it wants to. */
function gate() {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { promise, open: resolve }
}

const number = (operation: Operation, name: string): number => {
  const value = operation.attributes[name]
  assert.equal(typeof value, 'number', `${name} of ${JSON.stringify(operation.attributes)}`)
  return value as number
}
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

suite('lock attribution', () => {
  test('a statement that waits for a row names the trace that holds it, idle in its transaction', async (t) => {
    const { database, openAnother, recorder, until } = await open(t)
    const other = await openAnother()
    const holds = gate()
    const held = gate()
    const holder = recorder.inTrace(traceOf(1), () =>
      other.transaction(async (tx) => {
        await tx.execute({ sql: TAKE, params: [1] })
        held.open()
        await holds.promise
      }),
    )
    await held.promise
    const sentMs = performance.now()
    const waiter = recorder.inTrace(traceOf(2), () => database.transaction((tx) => tx.execute({ sql: TAKE, params: [1] })))
    await until(1)
    await pause(400)
    holds.open()
    await holder
    await waiter
    const waitedMs = performance.now() - sentMs
    const { operation } = recorder.of(traceOf(2))[0]!
    const { attributes } = operation
    assert.equal(attributes['seaworthy.lock.blocker.trace_id'], traceOf(1))
    assert.equal(attributes['seaworthy.lock.blocker.span_id'], recorder.of(traceOf(1))[0]!.spanId)
    assert.equal(attributes['seaworthy.lock.blocker.service'], 'inventory')
    assert.equal(attributes['seaworthy.lock.blocker.state'], 'idle in transaction')
    assert.equal(attributes['seaworthy.lock.blocker.statement'], TAKE_REDACTED)
    assert.equal(attributes['seaworthy.lock.chain_length'], 1)
    assert.equal(attributes['db.query.text'], TAKE_REDACTED)
    assert.deepEqual(operation.links, [
      { traceId: traceOf(1), spanId: recorder.of(traceOf(1))[0]!.spanId, attributes: { 'seaworthy.link': 'lock-blocker' } },
    ])
    assert.ok(number(operation, 'seaworthy.lock.blocker.idle_ms') > 200)
    const lockMs = number(operation, 'seaworthy.time.lock_wait_ms')
    assert.ok(lockMs > 400 && lockMs <= waitedMs, `${lockMs} of ${waitedMs}`)
    const parts = lockMs + number(operation, 'seaworthy.time.execute_ms') + number(operation, 'seaworthy.time.pool_wait_ms')
    assert.ok(parts <= recorder.of(traceOf(2))[0]!.durationMs + 1)
  })

  test('while statements are answered soon, nothing is asked and no session is opened', async (t) => {
    const { openAnother, recorder, observer } = await open(t)
    // Far above what a busy machine makes of a healthy statement, and far below how long this goes on.
    const database = await openAnother({ lockAttribution: { afterMs: 800 } })
    const looks = lookCounter(t)
    const startedMs = performance.now()
    await recorder.inTrace(traceOf(3), async () => {
      while (performance.now() - startedMs < 1_600) {
        await Promise.all([1, 2, 3].map((id) => database.transaction((tx) => tx.execute({ sql: TAKE, params: [id] }))))
      }
    })
    const { rows } = await observer.query<{ sessions: number }>(LOOKERS)
    assert.equal(rows[0]!.sessions, 0)
    assert.equal(looks(), 0)
    await recorder.inTrace(traceOf(4), () => database.query({ sql: 'SELECT pg_sleep(1)' }))
    assert.equal(looks(), 1)
  })

  test('of a chain the root is named, and how long the chain is', async (t) => {
    const { database, openAnother, recorder, until } = await open(t)
    const [first, second] = [await openAnother(), await openAnother()]
    const holds = gate()
    const held = gate()
    const root = recorder.inTrace(traceOf(1), () =>
      first.transaction(async (tx) => {
        await tx.execute({ sql: TAKE, params: [1] })
        held.open()
        await holds.promise
      }),
    )
    await held.promise
    const middle = recorder.inTrace(traceOf(2), () =>
      second.transaction(async (tx) => {
        await tx.execute({ sql: TAKE, params: [2] })
        await tx.execute({ sql: TAKE, params: [1] })
      }),
    )
    await until(1)
    const last = recorder.inTrace(traceOf(3), () => database.transaction((tx) => tx.execute({ sql: TAKE, params: [2] })))
    await until(2)
    await pause(300)
    holds.open()
    await Promise.all([root, middle, last])
    const { attributes } = recorder.of(traceOf(3))[0]!.operation
    assert.equal(attributes['seaworthy.lock.blocker.trace_id'], traceOf(1))
    assert.equal(attributes['seaworthy.lock.chain_length'], 2)
    assert.equal(recorder.of(traceOf(2))[0]!.operation.attributes['seaworthy.lock.blocker.trace_id'], traceOf(1))
  })

  test('who loses a deadlock names both traces, also if nobody had looked before', async (t) => {
    const { database, openAnother, recorder } = await open(t)
    const other = await openAnother()
    const both = [gate(), gate()]
    const cross = (turn: number, on: typeof database) =>
      recorder.inTrace(traceOf(turn + 1), () =>
        on.transaction(async (tx) => {
          await tx.execute({ sql: TAKE, params: [turn + 1] })
          both[turn]!.open()
          await both[1 - turn]!.promise
          await tx.execute({ sql: TAKE, params: [2 - turn] })
          // The winner is not over at once.
          await pause(50)
        }),
      )
    const results = await Promise.allSettled([cross(0, database), cross(1, other)])
    const lost = results.findIndex(({ status }) => status === 'rejected')
    assert.ok((results[lost] as PromiseRejectedResult).reason instanceof DeadlockError)
    const { operation } = recorder.of(traceOf(lost + 1))[0]!
    assert.equal(operation.attributes['seaworthy.lock.deadlock.trace_ids'], `${traceOf(lost + 1)}, ${traceOf(2 - lost)}`)
    assert.equal(operation.attributes['seaworthy.lock.blocker.trace_id'], traceOf(2 - lost))
    assert.equal(operation.links![0]!.traceId, traceOf(2 - lost))
  })

  test('the trace of another process is found by what its session is called, and the name goes with the transaction', async (t) => {
    const { database, connect, recorder, until, observer } = await open(t)
    const named = "SELECT application_name AS name FROM pg_stat_activity WHERE application_name LIKE '% ' || $1 || '%'"
    const names = async (traceId: string) => (await observer.query<{ name: string }>(named, [traceId])).rows.map(({ name }) => name)
    // As another process of the recount would have it: nothing in this process knows that trace.
    const other = await connect()
    await other.query(`BEGIN; SET LOCAL application_name = 'nightly-recount ${traceOf(9)}.AAAAAAAAAAk'`)
    await other.query(TAKE, [1])
    const waiter = recorder.inTrace(traceOf(2), () =>
      database.transaction(async (tx) => {
        await tx.execute({ sql: TAKE, params: [2] })
        assert.match((await names(traceOf(2))).join(), /^inventory a+2\.[\w-]{11}$/)
        await tx.execute({ sql: TAKE, params: [1] })
      }),
    )
    await until(1)
    await pause(250)
    await other.query('COMMIT')
    await waiter
    assert.deepEqual(await names(traceOf(2)), [])
    const { attributes, links } = recorder.of(traceOf(2))[0]!.operation
    assert.equal(attributes['seaworthy.lock.blocker.trace_id'], traceOf(9))
    assert.equal(attributes['seaworthy.lock.blocker.service'], 'nightly-recount')
    assert.equal(links![0]!.spanId, '0000000000000009')
  })

  test('a session of another program is named by application, process and statement, without its literals', async (t) => {
    const { database, connect, recorder, until } = await open(t)
    const person = await connect()
    await person.query("SELECT set_config('application_name', 'psql', false)")
    const { rows } = await person.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
    await person.query('BEGIN')
    await person.query("UPDATE thing SET touched = 7 WHERE id = 1 AND 'a secret' <> ''")
    const waiter = recorder.inTrace(traceOf(2), () => database.transaction((tx) => tx.execute({ sql: TAKE, params: [1] })))
    await until(1)
    await pause(250)
    await person.query('COMMIT')
    await waiter
    const { attributes, links } = recorder.of(traceOf(2))[0]!.operation
    assert.equal(attributes['seaworthy.lock.blocker.application'], 'psql')
    assert.equal(attributes['seaworthy.lock.blocker.pid'], rows[0]!.pid)
    assert.equal(attributes['seaworthy.lock.blocker.statement'], 'UPDATE thing SET touched = ? WHERE id = ? AND ? <> ?')
    assert.equal(attributes['seaworthy.lock.blocker.trace_id'], undefined)
    assert.equal(links, undefined)
  })

  test('a prepared transaction, which has no process, is named by its gid', async (t) => {
    const { database, connect, observer, recorder, until } = await open(t)
    const client = await connect()
    await client.query('BEGIN')
    await client.query(TAKE, [1])
    await client.query("PREPARE TRANSACTION 'payment 7'")
    await client.end()
    const waiter = recorder.inTrace(traceOf(2), () => database.transaction((tx) => tx.execute({ sql: TAKE, params: [1] })))
    await until(1)
    await pause(250)
    await observer.query("COMMIT PREPARED 'payment 7'")
    await waiter
    const { attributes } = recorder.of(traceOf(2))[0]!.operation
    assert.equal(attributes['seaworthy.lock.blocker.pid'], 0)
    assert.match(String(attributes['seaworthy.lock.blocker.application']), /^prepared transaction payment 7 of /)
    assert.equal(attributes['seaworthy.lock.blocker.state'], 'idle in transaction')
  })

  test('waits for two locks in one statement, one after the other, are both counted, and who held longer is named', async (t) => {
    const { database, openAnother, recorder, until } = await open(t)
    const others = [await openAnother(), await openAnother()]
    const gates = [gate(), gate()]
    const held = [gate(), gate()]
    const holders = others.map((other, index) =>
      recorder.inTrace(traceOf(index + 1), () =>
        other.transaction(async (tx) => {
          await tx.execute({ sql: TAKE, params: [index + 1] })
          held[index]!.open()
          await gates[index]!.promise
        }),
      ),
    )
    await Promise.all(held.map(({ promise }) => promise))
    const sentMs = performance.now()
    const waiter = recorder.inTrace(traceOf(3), () =>
      database.transaction((tx) =>
        tx.query({ sql: 'SELECT id FROM (SELECT id FROM thing WHERE id <= 2 ORDER BY id FOR UPDATE) AS taken, pg_sleep(0)' }),
      ),
    )
    await until(1)
    await pause(150)
    gates[0]!.open()
    await holders[0]
    await pause(500)
    gates[1]!.open()
    await Promise.all([...holders, waiter])
    const waitedMs = performance.now() - sentMs
    const { operation } = recorder.of(traceOf(3))[0]!
    assert.equal(operation.attributes['seaworthy.lock.blocker.trace_id'], traceOf(2))
    const lockMs = number(operation, 'seaworthy.time.lock_wait_ms')
    assert.ok(lockMs > 600 && lockMs <= waitedMs, `${lockMs} of ${waitedMs}`)
  })

  test('a slow statement that waits for nobody has no lock wait, and its text is told', async (t) => {
    const { database, recorder } = await open(t)
    await recorder.inTrace(traceOf(1), () => database.query({ sql: 'SELECT pg_sleep(0.3)' }))
    const { operation } = recorder.of(traceOf(1))[0]!
    assert.equal(operation.name.startsWith('query '), true)
    assert.equal(operation.attributes['seaworthy.time.lock_wait_ms'], 0)
    assert.ok(number(operation, 'seaworthy.time.execute_ms') >= 300)
    assert.equal(operation.attributes['db.query.text'], 'SELECT pg_sleep(?)')
  })

  test('who waits for a place says so, and that nothing was executed', async (t) => {
    const { openAnother, recorder } = await open(t)
    const narrow = await openAnother({ transactionsMax: 1 })
    const holds = gate()
    const first = narrow.transaction(() => holds.promise)
    const second = recorder.inTrace(traceOf(1), () => narrow.transaction(async () => undefined))
    await pause(100)
    holds.open()
    await Promise.all([first, second])
    const { operation } = recorder.of(traceOf(1))[0]!
    assert.ok(number(operation, 'seaworthy.time.pool_wait_ms') >= 99)
    assert.equal(operation.attributes['seaworthy.time.execute_ms'], 0)
  })

  test('a transaction that gave up waiting names who it waited for', async (t) => {
    const { openAnother, connect, recorder } = await open(t)
    const holder = await connect()
    await holder.query(`BEGIN; SET LOCAL application_name = 'nightly-recount ${traceOf(9)}.AAAAAAAAAAk'`)
    await holder.query(TAKE, [1])
    const database = await openAnother()
    const waiter = recorder.inTrace(traceOf(1), () =>
      database.transaction((tx) => tx.execute({ sql: TAKE, params: [1] }), { isolation: 'serializable', timeoutMs: 500 }),
    )
    await assert.rejects(waiter, { code: 'timeout' })
    await holder.query('COMMIT')
    const { operation } = recorder.of(traceOf(1))[0]!
    assert.equal(operation.attributes['seaworthy.lock.blocker.trace_id'], traceOf(9))
    assert.ok(number(operation, 'seaworthy.time.lock_wait_ms') > 400)
  })

  test('where nobody may look, no statement suffers: how long it waited is not known, and that is all', async (t) => {
    const { url, recorder, observer, connect, until } = await open(t)
    const { rows } = await observer.query<{ schema: string }>('SELECT current_schema() AS schema')
    await observer.query(`CREATE ROLE narrow LOGIN PASSWORD 'narrow' CONNECTION LIMIT 1`)
    await observer.query(`GRANT ALL ON SCHEMA ${rows[0]!.schema} TO narrow`)
    await observer.query(`GRANT ALL ON ALL TABLES IN SCHEMA ${rows[0]!.schema} TO narrow`)
    const holder = await connect()
    await holder.query('BEGIN')
    await holder.query(TAKE, [1])
    const narrow = new URL(url)
    narrow.username = narrow.password = 'narrow'
    // The first session is all that the role may have.
    const database = await openPostgresDatabase({ connection: narrow.href, transactionTimeoutMs: 60_000 })
    t.after(() => database.close())
    const waiter = recorder.inTrace(traceOf(1), () => database.transaction((tx) => tx.execute({ sql: TAKE, params: [1] })))
    await until(1)
    await pause(250)
    await holder.query('COMMIT')
    assert.deepEqual(await waiter, { rowCount: 1 })
    const { operation } = recorder.of(traceOf(1))[0]!
    assert.equal(operation.attributes['seaworthy.time.lock_wait_ms'], undefined)
    assert.ok(number(operation, 'seaworthy.time.execute_ms') >= 250)
  })

  test('the example of its page does what it says', async (t) => {
    const { url } = await open(t)
    await runExamples('docs/5-observability/where-time-goes.md', { POSTGRES_URL: url })
  })

  test('switched off, it neither looks nor marks', async (t) => {
    const { openAnother, recorder, observer } = await open(t)
    const database = await openAnother({ lockAttribution: false })
    await recorder.inTrace(traceOf(1), () =>
      database.transaction(async (tx) => {
        await tx.execute({ sql: TAKE, params: [1] })
        const { rows } = await observer.query<{ marked: number }>(
          "SELECT count(*)::int AS marked FROM pg_stat_activity WHERE application_name LIKE '% aaaa%'",
        )
        assert.equal(rows[0]!.marked, 0)
      }),
    )
    assert.equal(recorder.of(traceOf(1))[0]!.operation.attributes['seaworthy.time.execute_ms'], undefined)
    await assert.rejects(openAnother({ lockAttribution: { afterMs: 0 } }), { code: 'configuration' })
  })
})
