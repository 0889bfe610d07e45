/** How checkouts are seen through, by one way or the other. */
export interface Checkouts {
  /** From the order to its end, as far as this process lives. */
  checkOut(orderId: string): Promise<void>
  /** What a process does first: goes on with what the one before it left. */
  recover(unfinished: readonly string[]): Promise<void>
}

export type Way = 'hand-written' | 'saga'
export const WAYS: readonly Way[] = ['hand-written', 'saga']

export const CREATE_ORDERS = 'CREATE TABLE orders (id TEXT PRIMARY KEY, status TEXT NOT NULL) STRICT'
