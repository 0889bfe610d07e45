import type { Transaction } from 'seaworthy/core'

export interface InboxMessage {
  readonly consumer: string
  /** Raised by a replay: the same messages then count as new ones. */
  readonly generation: number
  readonly messageId: string
  readonly topic: string
  readonly key: string
  /** Number of the message among those of its key. 0: it has none, and only its id tells it from others. */
  readonly sequence: number
}

/**
 * What the inbox says of a message:
 * - `new`: handle it; its row is written in the same transaction.
 * - `duplicate`: handled before, by its id, or because its number is at or below the last of its key.
 * - `gap`: handle it, but numbers from `expected` on did not come. An alarm: a message was lost, skipped or wrongly numbered.
 */
export type InboxVerdict =
  | { readonly kind: 'new' }
  | { readonly kind: 'duplicate'; readonly by: 'id' | 'sequence' }
  | { readonly kind: 'gap'; readonly expected: number }

/** Where handled messages are remembered: in the handler's own database. */
export interface InboxStore {
  /** Decides and records in the handler's transaction. A duplicate changes nothing. */
  admit(tx: Transaction, message: InboxMessage): Promise<InboxVerdict>
  /** Forgets ids handled before `olderThanMs` (milliseconds since the epoch). The last number per key stays, so that a late redelivery is still caught. */
  forget(olderThanMs: number): Promise<number>
}

/** An inbox store that works by a handle of the caller's, whose transactions are synchronous. */
export interface SynchronousInboxStore<Handle> extends InboxStore {
  /** Runs `body` in a transaction of its own on the store's handle. A throw rolls back and is passed on. */
  transactionSync<T>(body: (handle: Handle) => T): T
  /** As {@link InboxStore.admit}, in the transaction that is open on the handle. */
  admitSync(handle: Handle, message: InboxMessage): InboxVerdict
}
