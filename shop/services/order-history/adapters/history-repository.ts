import { type Database, NotFoundError, type Transaction } from 'seaworthy/core'
import type { HistoryEntry, HistoryLine, HistoryRepository } from '../application/order-history.ts'

const INSERT = `INSERT INTO order_history (customer_id, placed_at_ms, order_id, status, reason, total_cents, lines, updated_at_ms)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?)`
// By order_history_by_order.
const UPDATE = 'UPDATE order_history SET status = ?, reason = ?, updated_at_ms = ? WHERE order_id = ?'
// A range of the primary key, read backwards.
const PAGE = `SELECT order_id, status, reason, total_cents, lines, placed_at_ms FROM order_history
  WHERE customer_id = ? ORDER BY placed_at_ms DESC, order_id DESC LIMIT ? OFFSET ?`
// A range of the primary key.
const COUNT = 'SELECT count(*) AS total FROM order_history WHERE customer_id = ?'

interface HistoryRow {
  readonly order_id: string
  readonly status: HistoryEntry['status']
  readonly reason: string | null
  readonly total_cents: number
  readonly lines: string
  readonly placed_at_ms: number
}

export function historyRepository(database: Database): HistoryRepository {
  return {
    async insert(tx: Transaction, entry, atMs) {
      const params = [
        entry.customerId,
        entry.placedAtMs,
        entry.orderId,
        entry.status,
        entry.reason ?? null,
        entry.totalCents,
        JSON.stringify(entry.lines),
        atMs,
      ]
      await tx.execute({ sql: INSERT, params })
    },
    async setStatus(tx, { orderId, status, reason }, atMs) {
      const { rowCount } = await tx.execute({ sql: UPDATE, params: [status, reason ?? null, atMs, orderId] })
      if (rowCount === 0) throw new NotFoundError(`The history has no order ${orderId}: its order.placed has not arrived.`)
    },
    async page(customerId, { page, pageSize }) {
      const [rows, [counted]] = await Promise.all([
        database.query<HistoryRow>({ sql: PAGE, params: [customerId, pageSize, (page - 1) * pageSize] }),
        database.query<{ total: number }>({ sql: COUNT, params: [customerId] }),
      ])
      return { items: rows.map((row) => toEntry(customerId, row)), total: counted?.total ?? 0 }
    },
  }
}

function toEntry(customerId: string, row: HistoryRow): HistoryEntry {
  return {
    customerId,
    orderId: row.order_id,
    status: row.status,
    ...(row.reason !== null && { reason: row.reason }),
    totalCents: row.total_cents,
    lines: JSON.parse(row.lines) as HistoryLine[],
    placedAtMs: row.placed_at_ms,
  }
}
