import type { Transaction } from 'seaworthy/core'
import type { EventEnvelope } from 'seaworthy/messaging'

/** A message in the outbox, with its place. */
export interface OutboxEntry {
  /** Place in the table; grows, may have gaps. Orders the messages of one key; says nothing about different keys. */
  readonly position: number
  readonly topic: string
  readonly event: EventEnvelope
}

/** Where the outbox lives: in the service's own database, beside its data. */
export interface OutboxStore {
  /**
   * Stores the events in the caller's transaction, takes each key's lock until that transaction ends, and assigns the key's next
   * sequence number: the order of numbers is the order of commits, without gaps.
   */
  add(tx: Transaction, topic: string, events: readonly EventEnvelope[]): Promise<void>
  /** The oldest unsent messages, at most `max`, each key in order. */
  unsent(max: number): Promise<readonly OutboxEntry[]>
  /** Called after the broker's confirmation. */
  markSent(positions: readonly number[]): Promise<void>
  /** How many wait, and since when (milliseconds since the epoch). */
  backlog(): Promise<{ readonly messages: number; readonly oldestAtMs: number | undefined }>
  /** Calls `listener` after each commit that added a message, in this process. @returns a function that stops it */
  onAdded(listener: () => void): () => void
}
