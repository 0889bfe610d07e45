/** The id of a transaction. Given at its first write, so that readers have none. Grows by one; never given twice. */
export type Xid = number

export type TransactionState = 'running' | 'committed' | 'aborted'

/** What a statement sees: the transactions that had committed when it began, and the earlier commands of its own. */
export interface Snapshot {
  /** Ids from here on had not been given out. */
  readonly nextXid: Xid
  readonly running: ReadonlySet<Xid>
  /** The oldest id that was running; without any, the next one. Every id below it had ended. */
  readonly xmin: Xid
}

/** Ids 0 to 2 have a meaning of their own in PostgreSQL. */
const FIRST_XID = 3

/** Gives out transaction ids and remembers how each ended. */
export class Transactions {
  readonly #states: TransactionState[] = []
  readonly #running = new Set<Xid>()

  get nextXid(): Xid {
    return FIRST_XID + this.#states.length
  }

  begin(): Xid {
    const xid = this.nextXid
    this.#states.push('running')
    this.#running.add(xid)
    return xid
  }

  end(xid: Xid, outcome: 'committed' | 'aborted'): void {
    this.#states[xid - FIRST_XID] = outcome
    this.#running.delete(xid)
  }

  stateOf(xid: Xid): TransactionState {
    return this.#states[xid - FIRST_XID]!
  }

  snapshot(): Snapshot {
    // Ids are given out in order, and a set keeps the order of its members: the first is the oldest.
    const [oldest = this.nextXid] = this.#running
    return { nextXid: this.nextXid, running: new Set(this.#running), xmin: oldest }
  }

  /** True when the snapshot was taken after the transaction had committed. */
  committedBefore(snapshot: Snapshot, xid: Xid): boolean {
    return xid < snapshot.nextXid && !snapshot.running.has(xid) && this.stateOf(xid) === 'committed'
  }
}
