import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Client, DatabaseError } from 'pg'
import { startPostgres } from '../servers/embedded-postgres.ts'
import { readBooks } from './books.ts'
import { checkout, createCustomer } from './client.ts'
import { databaseName, type ShopEngines } from './engines.ts'
import { openedBooks } from './settled.ts'
import { startShop, until } from './shop.ts'

const OWNERS = [
  'catalog',
  'reviews',
  'customers',
  'orders',
  'inventory',
  'payments',
  'shipping',
  'notifications',
  'analytics',
  'order-history',
]

suite('the shop on PostgreSQL', () => {
  test('and without a monolith sells as on embedded storage, and no service gets at the tables of another', async (t) => {
    const server = await startPostgres()
    t.after(() => server.stop())
    const engines: ShopEngines = { urls: { postgres: server.url('postgres') }, prefix: 'test' }
    await using shop = await startShop({ engines, stage: 3 })

    const before = await openedBooks(shop)
    const customerId = await createCustomer(shop.gateway, 'Grace Hopper')
    const { body } = await checkout(shop.gateway, { customerId, lines: [{ productId: 'product-1', quantity: 2 }], card: 'ok' })
    assert.equal(body.status, 'completed')
    await until(
      async () => {
        const books = await readBooks(shop)
        const counted = (books.counters.get('orders-completed') ?? 0) - (before.counters.get('orders-completed') ?? 0)
        return counted === 1 && books.mails.some((mail) => mail.includes(body.orderId))
      },
      { timeoutMs: 20_000, what: 'the order in analytics, and its letter' },
    )

    const sql = async (database: string, user: string, statement: string) => {
      const url = new URL(server.url(database))
      url.username = user
      const client = new Client({ connectionString: url.href })
      await client.connect()
      try {
        return (await client.query(statement)).rows as readonly object[]
      } finally {
        await client.end()
      }
    }
    const isRefusal = (error: unknown) => error instanceof DatabaseError && error.code === '42501'
    for (const role of OWNERS)
      for (const owner of OWNERS) {
        const asked = sql(databaseName('test', owner), databaseName('test', role), 'SELECT 1')
        if (role === owner) await asked
        else await assert.rejects(asked, isRefusal, `${role} may connect to the database of ${owner}`)
      }

    // Let in by mistake, the role of orders still reads no customers.
    await sql('postgres', 'postgres', 'GRANT CONNECT ON DATABASE test_customers TO test_orders')
    await assert.rejects(sql('test_customers', 'test_orders', 'SELECT name FROM customers'), isRefusal)
    assert.equal((await sql('test_customers', 'test_customers', 'SELECT name FROM customers LIMIT 1')).length, 1)

    const { dataDir } = shop
    await assert.rejects(startShop({ engines, dataDir, stage: 0 }), /\(postgres:test\) is at stage 3, and not at stage 0/)
  })
})
