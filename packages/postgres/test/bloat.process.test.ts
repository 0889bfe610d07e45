import assert from 'node:assert/strict'
import { type TestContext, suite, test } from 'node:test'
import type { Client } from 'pg'
import type { Statement } from 'seaworthy/core'
import type { OutboxStore } from 'seaworthy/outbox'
import { type PostgresDatabase, migrate, outboxStoreSchema, postgresOutboxStore } from '@seaworthy/postgres'
import { databaseForTest } from './server.ts'

const MESSAGES = 100_000
const CHUNK = 5_000
const BATCH = 500

async function open(t: TestContext) {
  const under = await databaseForTest()
  t.after(under.dispose)
  await migrate(under.database, [outboxStoreSchema])
  return { ...under, store: postgresOutboxStore(under.database), writer: await under.connect() }
}

/** As so many transactions would: numbered by key, 5,000 keys. */
async function add(writer: Client, from: number, count: number, topic = 'orders'): Promise<void> {
  await writer.query(
    `INSERT INTO seaworthy_outbox (topic, key, sequence, event, added_at_ms)
     SELECT $3, 'key ' || n % 5000, n / 5000 + 1, json_build_object('key', 'key ' || n % 5000, 'id', n), 0 FROM generate_series($1::int, $1::int + $2::int - 1) n`,
    [from, count, topic],
  )
}

async function drain(store: OutboxStore, topic = 'orders'): Promise<{ sent: number[]; claimMs: number[] }> {
  const sent: number[] = []
  const claimMs: number[] = []
  for (;;) {
    const startedMs = performance.now()
    const entries = await store.unsent(topic, BATCH)
    claimMs.push(performance.now() - startedMs)
    if (entries.length === 0) return { sent, claimMs }
    await store.markSent(entries.map(({ position }) => position))
    sent.push(...entries.map(({ event }) => Number(event.id)))
  }
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!

interface Plan {
  readonly 'Shared Hit Blocks': number
  readonly 'Shared Read Blocks': number
}

/** A database that remembers its last query, as another process's handle. */
function recording(database: PostgresDatabase) {
  let last: Statement | undefined
  const query: PostgresDatabase['query'] = (statement) => {
    last = statement
    return database.query(statement)
  }
  const recorded = {
    query,
    atomically: database.atomically.bind(database),
    listen: database.listen.bind(database),
    notify: database.notify.bind(database),
  } as unknown as PostgresDatabase
  return { recorded, last: () => last! }
}

/** Pages that the server looks at for a query: what its time is made of, however busy the machine is. */
async function pagesOf(client: Client, { sql, params = [] }: Statement): Promise<number> {
  const { rows } = await client.query<{ 'QUERY PLAN': readonly { readonly Plan: Plan }[] }>(
    `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${sql}`,
    params as unknown[],
  )
  const { Plan: plan } = rows[0]!['QUERY PLAN'][0]!
  return plan['Shared Hit Blocks'] + plan['Shared Read Blocks']
}

suite('an outbox beside a snapshot that is held open', () => {
  test(`${MESSAGES} messages leave, each once, and a claim reads no more at the end than at the beginning`, async (t) => {
    const { writer, connect, database } = await open(t)
    const { recorded, last } = recording(database)
    const store = postgresOutboxStore(recorded)
    const holding = await connect()
    await holding.query('BEGIN ISOLATION LEVEL REPEATABLE READ')
    await holding.query('SELECT count(*) FROM seaworthy_outbox')
    const sent: number[] = []
    const medians: number[] = []
    for (let from = 0; from < MESSAGES; from += CHUNK) {
      await add(writer, from, CHUNK)
      const chunk = await drain(store)
      sent.push(...chunk.sent)
      medians.push(median(chunk.claimMs))
    }
    assert.equal(new Set(sent).size, MESSAGES)
    assert.equal(sent.length, MESSAGES)
    assert.deepEqual(await store.topics(), [])
    await add(writer, 0, 10)
    await store.unsent('orders', BATCH)
    const claim = await pagesOf(writer, last())
    await store.topics()
    const look = await pagesOf(writer, last())
    // Whoever knows no floor walks through all that was sent: so much is there.
    const another = recording(database)
    await postgresOutboxStore(another.recorded).unsent('orders', BATCH)
    const fresh = await pagesOf(writer, another.last())
    t.diagnostic(`claims of ${BATCH}, medians by ${CHUNK}: first ${medians[0]!.toFixed(2)} ms, last ${medians.at(-1)!.toFixed(2)} ms`)
    t.diagnostic(`pages that a claim of 10 messages looks at: ${claim}, a look for topics: ${look}; a claim without a floor: ${fresh}`)
    assert.ok(fresh >= 1_000, `nothing was there to pass over: ${fresh}`)
    assert.ok(claim <= 100 && look <= 100, `a claim looks at ${claim} pages, a look for topics at ${look}`)
    await holding.query('COMMIT')
  })

  test('a message that commits long after larger positions were sent is found above no floor', async (t) => {
    const { store, writer, connect } = await open(t)
    const late = await connect()
    await late.query('BEGIN')
    await add(late, 1_000_000, 1)
    const later = await connect()
    await later.query('BEGIN')
    for (let round = 0; round < 4; round++) {
      await add(writer, round * 3_000, 3_000)
      assert.equal((await drain(store)).sent.length, 3_000)
      if (round === 1) await add(later, 2_000_000, 1)
    }
    await late.query('COMMIT')
    assert.deepEqual((await drain(store)).sent, [1_000_000])
    for (let round = 4; round < 8; round++) {
      await add(writer, round * 3_000, 3_000)
      assert.equal((await drain(store)).sent.length, 3_000)
    }
    await later.query("PREPARE TRANSACTION 'late'")
    for (let round = 8; round < 12; round++) {
      await add(writer, round * 3_000, 3_000)
      assert.equal((await drain(store)).sent.length, 3_000)
    }
    await writer.query("COMMIT PREPARED 'late'")
    assert.deepEqual(await store.topics(), ['orders'])
    assert.deepEqual((await drain(store)).sent, [2_000_000])
  })

  test('a topic that is new lies above, below and between those that are known', async (t) => {
    const { store, writer } = await open(t)
    for (const topic of ['m', 'f', 'x']) {
      await add(writer, 0, 2_500, topic)
      await drain(store, topic)
    }
    assert.deepEqual(await store.topics(), [])
    for (const topic of ['a', 'b', 'c', 'm', 'h', 'i', 'y', 'z', 'p']) await add(writer, 0, 1, topic)
    assert.deepEqual((await store.topics()).toSorted(), ['a', 'b', 'c', 'h', 'i', 'm', 'p', 'y', 'z'])
  })
})
