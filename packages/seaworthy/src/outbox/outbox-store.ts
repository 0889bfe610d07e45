import type { Statement, Transaction } from 'seaworthy/core'
import type { EventEnvelope } from 'seaworthy/messaging'
import type { StallHolder } from './stall-watch.ts'

/** A message in the outbox, with its place. */
export interface OutboxEntry {
  /** Place in the table; grows, may have gaps, and is never given again. Orders the messages of one key; says nothing about different keys. */
  readonly position: number
  readonly topic: string
  readonly event: EventEnvelope
  /** When its transaction added it, milliseconds since the epoch. */
  readonly addedAtMs: number
}

/** Events of one topic. */
export type TopicEvents = readonly [topic: string, events: readonly EventEnvelope[]]

/** Where the outbox lives: in the service's own database, beside its data. */
export interface OutboxStore {
  /**
   * Stores the events in the caller's transaction, takes each key's lock until that transaction ends, and assigns the key's next
   * sequence number: the order of numbers is the order of commits, without gaps.
   * @throws LimitExceededError when an event is larger than the store allows: no broker would take it, and its key would stand still for ever
   */
  add(tx: Transaction, topic: string, events: readonly EventEnvelope[]): Promise<void>
  /**
   * Runs the statements, and behind them what {@link add} does, in a transaction of its own and one round trip. Absent where the store's database has no SQL.
   * @returns how many rows each of the statements came to
   * @throws what `add` throws
   */
  commit?(statements: readonly Statement[], events: readonly TopicEvents[]): Promise<readonly { readonly rowCount: number }[]>
  /** Topics that have unsent messages. */
  topics(): Promise<readonly string[]>
  /** The oldest unsent messages of a topic, committed ones only, at most `max`, each key in order. */
  unsent(topic: string, max: number): Promise<readonly OutboxEntry[]>
  /** Called after the broker's confirmation; repeating it does nothing. */
  markSent(positions: readonly number[]): Promise<void>
  /** How many wait, and since when (milliseconds since the epoch). */
  backlog(): Promise<{ readonly messages: number; readonly oldestAtMs: number | undefined }>
  /** Calls `listener` with the topic after each commit that added a message through this store. @returns a function that stops it */
  onAdded(listener: (topic: string) => void): () => void
  /** Who holds up those that wait for this outbox's tables or keys now. Asked only when something takes long. */
  explainStall?(): Promise<readonly StallHolder[]>
}

/** An outbox store that also writes by a handle of the caller's, whose transactions are synchronous. */
export interface SynchronousOutboxStore<Handle> extends OutboxStore {
  /** As {@link OutboxStore.add}, in the transaction that is open on the handle. Of several events, all are added or none. */
  addSync(handle: Handle, topic: string, events: readonly EventEnvelope[]): void
}
