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

/** Asks a service's database, by the service's name. */
export type Query = <Row extends object>(service: string, sql: string) => readonly Row[]

/** Reads the books, wherever the databases are. */
export function booksOf(query: Query, mails: readonly string[]): Books {
  const paymentRows = query<{ stream: string; type: string; data: string }>(
    'payments',
    'SELECT stream, type, data FROM seaworthy_events ORDER BY position',
  )
  const orderOf = new Map<string, string>()
  const payments = paymentRows.map(({ stream, type, data }): Payment => {
    const event = JSON.parse(data) as { orderId?: string; transaction: { postings: Payment['postings'] } }
    if (event.orderId !== undefined) orderOf.set(stream, event.orderId)
    return { stream, type, orderId: orderOf.get(stream) ?? 'unknown', postings: event.transaction.postings }
  })
  return {
    orders: query<{ id: string; status: BookedOrder['status']; total_cents: number; lines: string }>(
      'orders',
      'SELECT id, status, total_cents, lines FROM orders',
    ).map((row) => ({
      id: row.id,
      status: row.status,
      totalCents: row.total_cents,
      lines: JSON.parse(row.lines) as OrderedLine[],
    })),
    checkoutKeys: new Map(
      query<{ key: string; order_id: string }>('orders', 'SELECT key, order_id FROM checkout_keys').map((row) => [row.key, row.order_id]),
    ),
    payments,
    stock: query<{ product_id: string; on_hand: number; reserved: number; shipped: number }>(
      'inventory',
      'SELECT product_id, on_hand, reserved, shipped FROM stock',
    ).map((row) => ({
      productId: row.product_id,
      onHand: row.on_hand,
      reserved: row.reserved,
      shipped: row.shipped,
    })),
    reservations: query<{ order_id: string; state: string; lines: string }>(
      'inventory',
      'SELECT order_id, state, lines FROM reservations',
    ).map((row) => ({
      orderId: row.order_id,
      state: row.state,
      lines: JSON.parse(row.lines) as OrderedLine[],
    })),
    balances: new Map(
      query<{ account: string; balance_cents: number }>('payments', 'SELECT account, balance_cents FROM balances').map((row) => [
        row.account,
        row.balance_cents,
      ]),
    ),
    shipments: query<{ order_id: string; state: string }>('shipping', 'SELECT order_id, state FROM shipments').map((row) => ({
      orderId: row.order_id,
      state: row.state,
    })),
    mails,
    counters: new Map(
      query<{ counter: string; value: number }>('analytics', 'SELECT counter, value FROM counters').map((row) => [row.counter, row.value]),
    ),
    history: new Map(
      query<{ order_id: string; status: string }>(
        'order-history',
        `SELECT key AS order_id, json_extract(document, '$.order.status') AS status FROM seaworthy_documents WHERE projection = 'order-history'`,
      ).map((row) => [row.order_id, row.status]),
    ),
  }
}
