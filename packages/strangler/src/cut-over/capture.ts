import type { Transaction } from 'seaworthy/core'
import type { Spelling } from './entity-tables.ts'
import type { ChangePage, Side, StrayWrite } from './side.ts'

/** How an engine notices own writes, tells the feed's from them, and waits out those that are under way. */
export interface Capture {
  readonly spelling: Spelling
  /** From here to the end of the transaction, what is written is not an own write. */
  beginFeed(tx: Transaction): Promise<void>
  endFeed(tx: Transaction): Promise<void>
  /** Waits, before the gate is closed in this transaction, until every own write that is under way has ended; keeps others away until it ends. */
  quiesce(tx: Transaction): Promise<void>
  /** Of own changes. Called in a transaction after {@link quiesce}: whatever is committed afterwards comes later. */
  head(tx?: Transaction): Promise<number>
  changes(request: { readonly after: number; readonly max: number }): Promise<ChangePage>
  lag: Side['lag']
  /** Reads what one moment shows, at least as of `upTo`. */
  reading<T>(upTo: number, read: (from: Pick<Transaction, 'query'>) => Promise<T>): Promise<T>
  /** Called in a transaction that writes down the place. */
  trim(tx: Transaction, upTo: number): Promise<void>
  /** Takes notice of what was written against the ownership, where that does not come about in the writer's own transaction. */
  notice(): Promise<void>
  strays(request: { readonly after: number; readonly max: number }): Promise<readonly StrayWrite[]>
  stop(): Promise<void>
}
