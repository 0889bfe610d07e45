import { type Clock, type Lease, type LeaseStore, newId } from 'seaworthy/core'
import type { SagaClaim, SagaStore } from './saga-store.ts'

const PREFIX = 'saga-worker/'

/** A name that no process had before, in which that of its instance can be read. */
export function workerOf(instance: string | undefined): string {
  return instance === undefined ? newId() : `${instance}/${newId()}`
}

/** Whether a process has the same instance's name. It is one from before: of an instance only one lives at a time. */
function isPredecessor(worker: string, of: string): boolean {
  const end = of.lastIndexOf('/')
  return end !== -1 && worker.slice(0, worker.lastIndexOf('/') + 1) === of.slice(0, end + 1)
}

/**
 * Shows the other processes that this one lives, so that they leave its sagas alone. There is one lease for all of them: what it has in the store bears its
 * name, and a process whose lease has ended is one whose sagas are free. What it still writes then is refused, by the sagas' tokens.
 */
export class WorkerLease {
  readonly #leases: LeaseStore
  readonly #owner: string
  readonly #ttlMs: number
  readonly #clock: Clock
  #lease: Lease | undefined
  #endsMs = Number.NEGATIVE_INFINITY

  constructor(options: { leases: LeaseStore; owner: string; ttlMs: number; clock: Clock }) {
    this.#leases = options.leases
    this.#owner = options.owner
    this.#ttlMs = options.ttlMs
    this.#clock = options.clock
  }

  get isHeld(): boolean {
    return this.#clock.monotonicMs() < this.#endsMs
  }

  /** How long until it should be extended. */
  get restMs(): number {
    return this.#ttlMs / 3
  }

  async extend(): Promise<void> {
    const askedMs = this.#clock.monotonicMs()
    ;[this.#lease] = await this.#leases.acquire([PREFIX + this.#owner], this.#owner, this.#ttlMs)
    if (this.#lease !== undefined) this.#endsMs = askedMs + this.#ttlMs
  }

  /** Owners that are gone, whose place this process has, too. Those with sagas first: who comes between the two questions has a lease by the second. */
  async dead(store: SagaStore): Promise<Exclude<SagaClaim['dead'], 'others'>> {
    const owners = await store.owners()
    const living = new Set((await this.#leases.held(PREFIX)).map(({ holder }) => holder))
    return owners.filter((owner) => owner !== this.#owner && (!living.has(owner) || isPredecessor(owner, this.#owner)))
  }

  async release(): Promise<void> {
    this.#endsMs = Number.NEGATIVE_INFINITY
    if (this.#lease !== undefined) await this.#leases.release([this.#lease])
  }
}
