import assert from 'node:assert/strict'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import { projection, withInlineProjections } from 'seaworthy/projections'
import { eventStoreSchema, migrate, openSqliteDatabase, sqliteEventStore } from 'seaworthy/sqlite'
import { testFolder } from '../sqlite/folder.ts'

async function world(t: TestContext) {
  const database = await openSqliteDatabase({ path: join(testFolder(t), 'inline.db'), durability: 'process-crash' })
  t.after(() => database.close())
  const table = { component: 'balance', versions: ['CREATE TABLE balance (account TEXT PRIMARY KEY, cents INTEGER NOT NULL) STRICT'] }
  await migrate(database, [eventStoreSchema, table])
  const balance = projection<{ deposited: { cents: number } }>({
    name: 'balance',
    version: 1,
    on: {
      async deposited(tx, { key, data }) {
        if (data.cents < 0) throw new RangeError('a deposit is not negative')
        const sql = 'INSERT INTO balance VALUES (?1, ?2) ON CONFLICT DO UPDATE SET cents = cents + ?2'
        await tx.execute({ sql, params: [key, data.cents] })
      },
    },
  })
  const store = withInlineProjections(sqliteEventStore(database), [balance])
  const events = (...cents: readonly number[]) =>
    cents.map((each) => ({ id: `d${each}`, type: 'deposited', schemaVersion: 1, data: { cents: each }, context: { correlationId: 'c' } }))
  return {
    store,
    events,
    database,
    append: (stream: string, ...cents: readonly number[]) =>
      database.transaction((tx) => store.append(tx, stream, events(...cents), 'any')),
    cents: async () => (await database.query<{ cents: number }>({ sql: 'SELECT cents FROM balance' }))[0]?.cents,
  }
}

void suite('inline projections', () => {
  test('change with the append, and count what is appended again once', async (t) => {
    const { append, cents } = await world(t)
    assert.equal(await append('ada', 1, 2), 2)
    assert.equal(await cents(), 3)
    assert.equal(await append('ada', 4), 3)
    assert.equal(await append('ada', 1, 2), 2)
    assert.equal(await append('ada'), 3)
    assert.equal(await cents(), 7)
  })

  test('in transactions that share a commit count what is appended twice once', async (t) => {
    const { append, cents } = await world(t)
    assert.deepEqual(await Promise.all([append('ada', 1), append('ada', 1), append('ada', 5)]), [1, 1, 2])
    assert.equal(await cents(), 6)
  })

  test('that cannot be applied roll the append back', async (t) => {
    const { append, cents, store } = await world(t)
    await append('ada', 1)
    await assert.rejects(append('ada', 2, -3), RangeError)
    assert.equal(await cents(), 1)
    assert.equal(await store.head(), 1)
  })
})
