import type { Database, SqlValue, Statement, Transaction } from 'seaworthy/core'
import { insertAll } from '../../../platform/statements.ts'
import type { OrderRepository } from '../application/ports.ts'
import type { Order, OrderLine, OrderState } from '../domain/order.ts'

const ORDERS = 'orders (id, customer_id, lines, total_cents, status, reason, placed_at_ms)'
// By primary key.
const KNOWN_STAYS = 'ON CONFLICT (id) DO NOTHING RETURNING id'
const SELECT_ANY = 'SELECT 1 AS found FROM orders LIMIT 1'
// By primary key. Waits for another instance that is just storing the same one.
const INSERT_KEY = 'INSERT INTO checkout_keys (key, order_id, fingerprint) VALUES (?, ?, ?) ON CONFLICT (key) DO NOTHING'
// By primary key.
const UPDATE_STATE = 'UPDATE orders SET status = ?, reason = ? WHERE id = ?'
// By primary key.
const SELECT_ORDER = 'SELECT id, customer_id, lines, total_cents, status, reason, placed_at_ms FROM orders WHERE id = ?'
// orders_by_customer, a range, read backwards.
const SELECT_PAGE = `SELECT id, customer_id, lines, total_cents, status, reason, placed_at_ms FROM orders
  WHERE customer_id = ? ORDER BY placed_at_ms DESC, id DESC LIMIT ? OFFSET ?`
// orders_by_customer, a range.
const SELECT_COUNT = 'SELECT count(*) AS total FROM orders WHERE customer_id = ?'
// By primary key.
const SELECT_KEY = 'SELECT order_id, fingerprint FROM checkout_keys WHERE key = ?'

interface OrderRow {
  readonly id: string
  readonly customer_id: string
  readonly lines: string
  readonly total_cents: number
  readonly status: Order['state']['status']
  readonly reason: string | null
  readonly placed_at_ms: number
}

export function orderRepository(database: Database): OrderRepository {
  const read = (source: Pick<Database | Transaction, 'query'>, statement: Statement) => source.query<OrderRow>(statement)
  return {
    async insert(tx, order, checkout) {
      await tx.execute(insertAll(ORDERS, [rowOf(order)], ''))
      if (checkout === undefined) return true
      const { rowCount } = await tx.execute({ sql: INSERT_KEY, params: [checkout.key, order.id, checkout.fingerprint] })
      return rowCount === 1
    },
    async setState(tx, orderId, state) {
      await tx.execute({ sql: UPDATE_STATE, params: [state.status, reasonOf(state), orderId] })
    },
    async find(orderId, tx) {
      const [row] = await read(tx ?? database, { sql: SELECT_ORDER, params: [orderId] })
      return row === undefined ? undefined : toOrder(row)
    },
    async takeOver(tx, orders) {
      if (orders.length === 0) return new Set()
      const added = await tx.query<{ id: string }>(insertAll(ORDERS, orders.map(rowOf), KNOWN_STAYS))
      return new Set(added.map(({ id }) => id))
    },
    async page(customerId, { page, pageSize }) {
      const [rows, [counted]] = await Promise.all([
        read(database, { sql: SELECT_PAGE, params: [customerId, pageSize, (page - 1) * pageSize] }),
        database.query<{ total: number }>({ sql: SELECT_COUNT, params: [customerId] }),
      ])
      return { items: rows.map(toOrder), total: counted?.total ?? 0 }
    },
    async isEmpty() {
      return (await database.query({ sql: SELECT_ANY })).length === 0
    },
    async checkoutByKey(key) {
      const [row] = await database.query<{ order_id: string; fingerprint: string }>({ sql: SELECT_KEY, params: [key] })
      return row === undefined ? undefined : { orderId: row.order_id, fingerprint: row.fingerprint }
    },
  }
}

function rowOf({ id, customerId, lines, totalCents, state, placedAtMs }: Order): readonly SqlValue[] {
  return [id, customerId, JSON.stringify(lines), totalCents, state.status, reasonOf(state), placedAtMs]
}

function reasonOf(state: OrderState): string | null {
  return state.status === 'rejected' ? state.reason : null
}

function toOrder(row: OrderRow): Order {
  return {
    id: row.id,
    customerId: row.customer_id,
    lines: JSON.parse(row.lines) as OrderLine[],
    totalCents: row.total_cents,
    state: row.status === 'rejected' ? { status: 'rejected', reason: row.reason ?? 'unknown' } : { status: row.status },
    placedAtMs: row.placed_at_ms,
  }
}
