import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** What the shop's databases and mailbox say, read from the files: the truth that no service can colour. */
export interface Books {
  readonly orders: readonly BookedOrder[]
  readonly checkoutKeys: ReadonlyMap<string, string>
  /** Every movement of money, with the order of its payment. */
  readonly payments: readonly Payment[]
  readonly stock: readonly StockLevel[]
  readonly reservations: readonly { readonly orderId: string; readonly state: string; readonly lines: readonly OrderedLine[] }[]
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

function rows<Row>(dataDir: string, service: string, sql: string): Row[] {
  using database = new DatabaseSync(join(dataDir, 'services', service, `${service}.db`), { readOnly: true, timeout: 5_000 })
  return database.prepare(sql).all() as Row[]
}

export function readBooks(dataDir: string): Books {
  const paymentRows = rows<{ stream: string; type: string; data: string }>(
    dataDir,
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
    orders: rows<{ id: string; status: BookedOrder['status']; total_cents: number; lines: string }>(
      dataDir,
      'orders',
      'SELECT id, status, total_cents, lines FROM orders',
    ).map((row) => ({
      id: row.id,
      status: row.status,
      totalCents: row.total_cents,
      lines: JSON.parse(row.lines) as OrderedLine[],
    })),
    checkoutKeys: new Map(
      rows<{ key: string; order_id: string }>(dataDir, 'orders', 'SELECT key, order_id FROM checkout_keys').map((row) => [
        row.key,
        row.order_id,
      ]),
    ),
    payments,
    stock: rows<{ product_id: string; on_hand: number; reserved: number; shipped: number }>(
      dataDir,
      'inventory',
      'SELECT product_id, on_hand, reserved, shipped FROM stock',
    ).map((row) => ({
      productId: row.product_id,
      onHand: row.on_hand,
      reserved: row.reserved,
      shipped: row.shipped,
    })),
    reservations: rows<{ order_id: string; state: string; lines: string }>(
      dataDir,
      'inventory',
      'SELECT order_id, state, lines FROM reservations',
    ).map((row) => ({
      orderId: row.order_id,
      state: row.state,
      lines: JSON.parse(row.lines) as OrderedLine[],
    })),
    mails: mailTexts(join(dataDir, 'services', 'notifications')),
    counters: new Map(
      rows<{ counter: string; value: number }>(dataDir, 'analytics', 'SELECT counter, value FROM counters').map((row) => [
        row.counter,
        row.value,
      ]),
    ),
    history: new Map(
      rows<{ order_id: string; status: string }>(dataDir, 'order-history', 'SELECT order_id, status FROM order_history').map((row) => [
        row.order_id,
        row.status,
      ]),
    ),
  }
}

export function mailTexts(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.eml'))
    .map((name) => readFileSync(join(folder, name), 'utf8'))
}
