/** What the shop's databases and mailbox say: the truth that no service can colour. */
export interface Books {
  readonly orders: readonly BookedOrder[]
  readonly checkoutKeys: ReadonlyMap<string, string>
  /** Every movement of money, with the order of its payment. */
  readonly payments: readonly Payment[]
  readonly stock: readonly StockLevel[]
  readonly reservations: readonly { readonly orderId: string; readonly state: string; readonly lines: readonly OrderedLine[] }[]
  /** Balances of the ledger's accounts in cents, as the read model has them. */
  readonly balances: ReadonlyMap<string, number>
  readonly shipments: readonly { readonly orderId: string; readonly state: string }[]
  readonly mails: readonly string[]
  readonly counters: ReadonlyMap<string, number>
  readonly history: ReadonlyMap<string, string>
}

interface OrderedLine {
  readonly productId: string
  readonly quantity: number
}

interface BookedOrder {
  readonly id: string
  readonly status: 'pending' | 'completed' | 'rejected'
  readonly totalCents: number
  readonly lines: readonly OrderedLine[]
}

interface Payment {
  readonly stream: string
  readonly orderId: string
  readonly type: string
  readonly postings: readonly { readonly account: string; readonly amountCents: number }[]
}

interface StockLevel {
  readonly productId: string
  readonly onHand: number
  readonly reserved: number
  readonly shipped: number
}

/** Where the books stand: which service's database, and what is asked of it. Both engines understand it. */
export const BOOK_QUERIES = {
  payments: ['payments', 'SELECT stream, type, data FROM seaworthy_events ORDER BY position'],
  orders: ['orders', 'SELECT id, status, total_cents, lines FROM orders'],
  checkoutKeys: ['orders', 'SELECT key, order_id FROM checkout_keys'],
  stock: ['inventory', 'SELECT product_id, on_hand, reserved, shipped FROM stock'],
  reservations: ['inventory', 'SELECT order_id, state, lines FROM reservations'],
  balances: ['payments', 'SELECT account, balance_cents FROM balances'],
  shipments: ['shipping', 'SELECT order_id, state FROM shipments'],
  counters: ['analytics', 'SELECT counter, value FROM counters'],
  history: ['order-history', "SELECT key AS order_id, document FROM seaworthy_documents WHERE projection = 'order-history'"],
} as const satisfies Readonly<Record<string, readonly [service: string, sql: string]>>

/** Asks a service's database, by the service's name. JSON is text, and whole numbers are numbers. */
export type Query = <Row extends object>(service: string, sql: string) => readonly Row[]

/** Reads the books, wherever the databases are. */
export function booksOf(query: Query, mails: readonly string[]): Books {
  const rows = <Row extends object>([service, sql]: readonly [service: string, sql: string]) => query<Row>(service, sql)
  const orderOf = new Map<string, string>()
  const payments = rows<{ stream: string; type: string; data: string }>(BOOK_QUERIES.payments).map(({ stream, type, data }): Payment => {
    const event = JSON.parse(data) as { orderId?: string; transaction: { postings: Payment['postings'] } }
    if (event.orderId !== undefined) orderOf.set(stream, event.orderId)
    return { stream, type, orderId: orderOf.get(stream) ?? 'unknown', postings: event.transaction.postings }
  })
  return {
    orders: rows<{ id: string; status: BookedOrder['status']; total_cents: number; lines: string }>(BOOK_QUERIES.orders).map((row) => ({
      id: row.id,
      status: row.status,
      totalCents: row.total_cents,
      lines: JSON.parse(row.lines) as OrderedLine[],
    })),
    checkoutKeys: new Map(rows<{ key: string; order_id: string }>(BOOK_QUERIES.checkoutKeys).map((row) => [row.key, row.order_id])),
    payments,
    stock: rows<{ product_id: string; on_hand: number; reserved: number; shipped: number }>(BOOK_QUERIES.stock).map((row) => ({
      productId: row.product_id,
      onHand: row.on_hand,
      reserved: row.reserved,
      shipped: row.shipped,
    })),
    reservations: rows<{ order_id: string; state: string; lines: string }>(BOOK_QUERIES.reservations).map((row) => ({
      orderId: row.order_id,
      state: row.state,
      lines: JSON.parse(row.lines) as OrderedLine[],
    })),
    balances: new Map(
      rows<{ account: string; balance_cents: number }>(BOOK_QUERIES.balances).map((row) => [row.account, row.balance_cents]),
    ),
    shipments: rows<{ order_id: string; state: string }>(BOOK_QUERIES.shipments).map((row) => ({
      orderId: row.order_id,
      state: row.state,
    })),
    mails,
    counters: new Map(rows<{ counter: string; value: number }>(BOOK_QUERIES.counters).map((row) => [row.counter, row.value])),
    history: new Map(
      rows<{ order_id: string; document: string }>(BOOK_QUERIES.history).map(({ order_id: orderId, document }) => {
        const { order } = JSON.parse(document) as { order?: { status: string } }
        return [orderId, order?.status ?? 'unknown']
      }),
    ),
  }
}
