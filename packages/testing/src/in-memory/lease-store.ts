import type { Clock, Lease, LeaseStore, Transaction } from 'seaworthy/core'
import { InMemoryTransaction } from './database.ts'

interface HeldLease extends Lease {
  readonly endsMs: number
}

/** Leases beside an in-memory database, on the clock of its server: give it one that none of the holders has, as each has a clock of its own. */
export function inMemoryLeaseStore({ clock }: { readonly clock: Pick<Clock, 'monotonicMs'> }): LeaseStore {
  return new InMemoryLeaseStore(clock)
}

class InMemoryLeaseStore implements LeaseStore {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  readonly #leases = new Map<string, HeldLease>()
  /** How many transactions stand on each name. */
  readonly #fenced = new Map<string, number>()
  #tokens = 0

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock
  }

  async acquire(names: readonly string[], holder: string, ttlMs: number): Promise<readonly Lease[]> {
    return [...new Set(names)].flatMap((name) => {
      const before = this.#leases.get(name)
      const isHeld = before !== undefined && this.#holds(before)
      if (before?.holder !== holder && (isHeld || this.#fenced.has(name))) return []
      const lease = { name, holder, token: isHeld ? before.token : ++this.#tokens }
      this.#leases.set(name, { ...lease, endsMs: this.#clock.monotonicMs() + ttlMs })
      return [lease]
    })
  }

  async release(leases: readonly Lease[]): Promise<void> {
    for (const { name, token } of leases) if (this.#leases.get(name)?.token === token) this.#leases.delete(name)
  }

  async held(prefix: string): Promise<readonly Lease[]> {
    return [...this.#leases.values()]
      .filter((lease) => lease.name.startsWith(prefix) && this.#holds(lease))
      .map(({ name, holder, token }) => ({ name, holder, token }))
      .toSorted((one, other) => (one.name < other.name ? -1 : 1))
  }

  async fence(tx: Transaction, { name, token }: Lease): Promise<boolean> {
    const lease = this.#leases.get(name)
    if (lease?.token !== token || !this.#holds(lease)) return false
    const transaction = InMemoryTransaction.of(tx)
    this.#fenced.set(name, (this.#fenced.get(name) ?? 0) + 1)
    const leave = () => {
      const others = this.#fenced.get(name)! - 1
      if (others === 0) this.#fenced.delete(name)
      else this.#fenced.set(name, others)
    }
    transaction.onCommit(leave)
    transaction.onRollback(leave)
    return true
  }

  #holds({ endsMs }: HeldLease): boolean {
    return endsMs > this.#clock.monotonicMs()
  }
}
