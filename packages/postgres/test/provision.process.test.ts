import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, suite, test } from 'node:test'
import { Client } from 'pg'
import { openPostgresDatabase, provisionDatabase } from '@seaworthy/postgres'
import { ConfigurationError, InvalidInputError } from 'seaworthy/core'
import { type PostgresServer, startPostgres } from '../../../test/servers/embedded-postgres.ts'

let server: PostgresServer
before(async () => {
  server = await startPostgres()
})
after(() => server.stop())

const provision = (name: string, password = 'first') => provisionDatabase({ administrator: server.url('postgres'), name, password })

suite('a database and its role', () => {
  test('are made once, and used by that role alone', async () => {
    const orders = await provision('shop_orders')
    await provision('shop_customers')
    await using database = closing(await openPostgresDatabase({ connection: orders }))
    await database.transaction((tx) => tx.execute({ sql: 'CREATE TABLE own (id int)' }))
    const stranger = new URL(orders)
    stranger.pathname = '/shop_customers'
    await assert.rejects(
      openPostgresDatabase({ connection: stranger.href }),
      (error) => error instanceof ConfigurationError && error.message.includes('permission denied for database "shop_customers"'),
    )
  })

  test('are left as they are when they are provisioned again, but for the password', async () => {
    const first = await provision('shop_again', 'one')
    await using database = closing(await openPostgresDatabase({ connection: first }))
    await database.transaction((tx) => tx.execute({ sql: 'CREATE TABLE kept AS SELECT 7 AS n' }))
    const second = await provision('shop_again', 'two')
    assert.equal(new URL(second).password, 'two')
    await using again = closing(await openPostgresDatabase({ connection: second }))
    assert.deepEqual(await again.query({ sql: 'SELECT n FROM kept' }), [{ n: 7 }])
  })

  test('may be provisioned by several at one time', async () => {
    const urls = await Promise.all(Array.from({ length: 4 }, () => provision('shop_many')))
    await using database = closing(await openPostgresDatabase({ connection: urls[0]! }))
    assert.equal((await database.query({ sql: 'SELECT 1' })).length, 1)
  })

  test('text is ordered by its bytes, as on SQLite', async () => {
    const url = await provision('shop_sorted')
    const client = new Client({ connectionString: url })
    await client.connect()
    const { rows } = await client.query<{ t: string }>("SELECT t FROM unnest(ARRAY['b', 'B', 'a', 'ä']) t ORDER BY t")
    await client.end()
    assert.deepEqual(
      rows.map(({ t }) => t),
      ['B', 'a', 'b', 'ä'],
    )
  })

  test('a name that would need quoting is refused', async () => {
    await assert.rejects(provision('shop"; DROP ROLE postgres; --'), InvalidInputError)
  })
})

suite('the SQL for servers that others use too', () => {
  const page = readFileSync(new URL('../../../docs/4-data/engines.md', import.meta.url), 'utf8')
  const sql = /<!-- executed by .*? -->\n```sql\n(.*?)```/s.exec(page)?.[1] ?? ''

  test('makes what provisionDatabase makes', async () => {
    const administrator = new Client({ connectionString: server.url('postgres') })
    await administrator.connect()
    try {
      // The names of the page are there already.
      const ours = sql.replaceAll('shop_orders', 'page_orders')
      assert.notEqual(ours, sql)
      for (const statement of ours.split(';').filter((text) => text.trim() !== '')) await administrator.query(statement)
      await provision('code_orders')
      const described = async (name: string) => {
        const { rows } = await administrator.query<object>(
          `SELECT d.datcollate, d.datctype, pg_encoding_to_char(d.encoding) AS encoding, r.rolname = $1 AS own, r.rolcanlogin, r.rolsuper, r.rolcreatedb,
            replace(array_to_string(d.datacl, ','), $1, 'own') AS rights
          FROM pg_database d JOIN pg_roles r ON r.oid = d.datdba WHERE d.datname = $1`,
          [name],
        )
        return rows
      }
      const made = await described('page_orders')
      assert.equal(made.length, 1)
      assert.deepEqual(made, await described('code_orders'))
    } finally {
      await administrator.end()
    }
  })
})

suite("SQLite's parameters", () => {
  test('are taken where they are asked for, in transactions, batches and queries', async () => {
    const url = await provision('shop_marks')
    await using database = closing(await openPostgresDatabase({ connection: url, placeholders: 'question-marks' }))
    await database.transaction(async (tx) => {
      await tx.execute({ sql: 'CREATE TABLE t (a text PRIMARY KEY, n bigint NOT NULL)' })
      await tx.execute({ sql: 'INSERT INTO t (a, n) VALUES (?, ?), (?, ?)', params: ['x', 1, 'y?', 2] })
    })
    await database.atomically([{ sql: 'UPDATE t SET n = n + ?2 WHERE a = ?1', params: ['x', 10] }])
    assert.deepEqual(await database.query({ sql: "SELECT a, n FROM t WHERE a = ? OR a = 'y?' ORDER BY a", params: ['x'] }), [
      { a: 'x', n: 11 },
      { a: 'y?', n: 2 },
    ])
  })
})

function closing<T extends { close(): Promise<void> }>(database: T): T & AsyncDisposable {
  return Object.assign(database, { [Symbol.asyncDispose]: () => database.close() })
}
