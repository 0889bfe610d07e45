import type { Transaction } from 'seaworthy/core'

export interface HistoryLine {
  readonly productId: string
  readonly name: string
  readonly quantity: number
  readonly priceCents: number
  readonly discountCents?: number | undefined
}

/** An order as the customer's history shows it. */
export interface HistoryEntry {
  readonly customerId: string
  readonly orderId: string
  readonly status: 'pending' | 'completed' | 'rejected'
  readonly reason?: string
  readonly totalCents: number
  readonly lines: readonly HistoryLine[]
  readonly placedAtMs: number
}

/** The read model. Writes belong to the projection alone. */
export interface HistoryRepository {
  insert(tx: Transaction, entry: HistoryEntry, atMs: number): Promise<void>
  /** @throws NotFoundError when the order is not there: an event was lost or overtaken, and nobody may carry on as if it were not */
  setStatus(tx: Transaction, change: { orderId: string; status: HistoryEntry['status']; reason?: string }, atMs: number): Promise<void>
  /** Newest first; pages count from 1. */
  page(customerId: string, options: { page: number; pageSize: number }): Promise<{ items: readonly HistoryEntry[]; total: number }>
}
