import type { Database } from 'seaworthy/core'
import type { FiguresRepository } from '../application/ports.ts'
import type { Counter } from '../domain/figures.ts'

// By primary key.
const ADD = `INSERT INTO counters (counter, value) VALUES (?, ?)
  ON CONFLICT (counter) DO UPDATE SET value = counters.value + excluded.value`
// By primary key.
const ADD_SALE = `INSERT INTO product_sales (product_id, name, quantity, revenue_cents) VALUES (?, ?, ?, ?)
  ON CONFLICT (product_id) DO UPDATE SET
    name = excluded.name, quantity = product_sales.quantity + excluded.quantity,
    revenue_cents = product_sales.revenue_cents + excluded.revenue_cents`
const SELECT_COUNTERS = 'SELECT counter, value FROM counters'
// By product_sales_by_revenue.
const SELECT_TOP = 'SELECT product_id, name, quantity, revenue_cents FROM product_sales ORDER BY revenue_cents DESC, product_id LIMIT ?'

export function figuresRepository(database: Database): FiguresRepository {
  return {
    async add(tx, counter, by) {
      await tx.execute({ sql: ADD, params: [counter, by] })
    },
    async addSale(tx, { productId, name, quantity, revenueCents }) {
      await tx.execute({ sql: ADD_SALE, params: [productId, name, quantity, revenueCents] })
    },
    async read({ topProductsMax }) {
      const counters = await database.query<{ counter: Counter; value: number }>({ sql: SELECT_COUNTERS })
      const top = await database.query<{ product_id: string; name: string; quantity: number; revenue_cents: number }>({
        sql: SELECT_TOP,
        params: [topProductsMax],
      })
      return {
        counters: {
          'orders-completed': 0,
          'orders-rejected': 0,
          'revenue-cents': 0,
          customers: 0,
          ...Object.fromEntries(counters.map(({ counter, value }) => [counter, value])),
        },
        topProducts: top.map((row) => ({
          productId: row.product_id,
          name: row.name,
          quantity: row.quantity,
          revenueCents: row.revenue_cents,
        })),
      }
    },
  }
}
