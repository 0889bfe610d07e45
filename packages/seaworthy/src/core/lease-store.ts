import type { Transaction } from './database.ts'

/** A name that one holder has for a time. */
export interface Lease {
  readonly name: string
  readonly holder: string
  /** Grows whenever the name changes hands, or its holder comes back too late: what a former holder has is smaller. */
  readonly token: number
}

/**
 * Leases on names, for processes that share a database, on the database's clock: no two of them agree on the time. A lease is a promise of the
 * others to keep away for a while; it cannot stop a holder that was asleep when it ended, so what must not happen twice is fenced as well.
 */
export interface LeaseStore {
  /**
   * Takes those of the names that are free, or whose leases have ended, and extends those that the holder has, all for `ttlMs` from now on.
   * @returns the leases that the holder has now. They hold for at least `ttlMs` from before the call
   */
  acquire(names: readonly string[], holder: string, ttlMs: number): Promise<readonly Lease[]>
  /** Gives leases back before their time. One that was lost is left to whoever has it. */
  release(leases: readonly Lease[]): Promise<void>
  /** The leases that have not ended, of names that begin with `prefix`, in the order of names. */
  held(prefix: string): Promise<readonly Lease[]>
  /**
   * Whether the lease still holds; if so, nobody else gets it before this transaction ends: what it writes is written by the holder.
   */
  fence(tx: Transaction, lease: Lease): Promise<boolean>
}
