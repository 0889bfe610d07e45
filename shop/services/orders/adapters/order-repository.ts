import type { Database, Statement, Transaction } from 'seaworthy/core'
import type { OrderRepository } from '../application/ports.ts'
import type { Order, OrderLine, OrderState } from '../domain/order.ts'

const INSERT_ORDER = 'INSERT INTO orders (id, customer_id, lines, total_cents, status, reason, placed_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?)'
// One statement for a whole batch. WHERE true tells the parser that ON belongs to the INSERT.
const TAKE_OVER = `INSERT INTO orders (id, customer_id, lines, total_cents, status, reason, placed_at_ms)
  SELECT value ->> 'id', value ->> 'customerId', value -> 'lines', value ->> 'totalCents', 'completed', NULL, value ->> 'placedAtMs'
  FROM json_each(?) WHERE true ON CONFLICT (id) DO NOTHING
  RETURNING id`
const SELECT_ANY = 'SELECT 1 AS found FROM orders LIMIT 1'
const INSERT_KEY = 'INSERT INTO checkout_keys (key, order_id, fingerprint) VALUES (?, ?, ?)'
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
      await tx.execute({
        sql: INSERT_ORDER,
        params: [
          order.id,
          order.customerId,
          JSON.stringify(order.lines),
          order.totalCents,
          order.state.status,
          reasonOf(order.state),
          order.placedAtMs,
        ],
      })
      if (checkout !== undefined) await tx.execute({ sql: INSERT_KEY, params: [checkout.key, order.id, checkout.fingerprint] })
    },
    async setState(tx, orderId, state) {
      await tx.execute({ sql: UPDATE_STATE, params: [state.status, reasonOf(state), orderId] })
    },
    async find(orderId, tx) {
      const [row] = await read(tx ?? database, { sql: SELECT_ORDER, params: [orderId] })
      return row === undefined ? undefined : toOrder(row)
    },
    async takeOver(tx, orders) {
      const added = await tx.query<{ id: string }>({ sql: TAKE_OVER, params: [JSON.stringify(orders)] })
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
