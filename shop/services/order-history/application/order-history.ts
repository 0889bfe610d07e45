import type { Transaction } from 'seaworthy/core'

export interface HistoryLine {
  readonly productId: string
  readonly name: string
  readonly quantity: number
  readonly priceCents: number
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
  /** @returns false when the order is not there */
  setStatus(tx: Transaction, change: { orderId: string; status: HistoryEntry['status']; reason?: string }, atMs: number): Promise<boolean>
  /** Newest first; pages count from 1. */
  page(customerId: string, options: { page: number; pageSize: number }): Promise<{ items: readonly HistoryEntry[]; total: number }>
}
