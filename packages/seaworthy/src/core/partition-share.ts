import type { Clock } from './clock.ts'
import type { Lease, LeaseStore } from './lease-store.ts'

export interface PartitionShareOptions {
  readonly leases: LeaseStore
  /** What is shared, as in `outbox`: the first part of the leases' names. */
  readonly what: string
  /** This process, unlike any other. */
  readonly holder: string
  readonly partitions: number
  readonly ttlMs: number
  readonly clock: Clock
}

interface HeldLease {
  readonly lease: Lease
  /** On this process's monotonic clock, counted from before the lease was asked for. */
  readonly untilMs: number
}

/**
 * The part of a fixed number of partitions that this process may work on, beside others that do the same. Each shows that it is alive by a lease of its
 * own; partition p belongs to the member of rank p modulo their number. Whoever joins takes over what the others give back, and what one that died had
 * is taken when its leases end. A partition is given back in two steps: first no new work is taken from it, and at a later refresh, when what was
 * taken before is done, its lease goes. Nothing runs by itself: a process that stands still extends nothing, and so loses its part.
 */
export class PartitionShare {
  readonly #options: PartitionShareOptions
  #held = new Map<number, HeldLease>()
  /** Those among the held ones that are to go to another. */
  #leaving: ReadonlySet<number> = new Set()
  #member: Lease | undefined
  #refreshedAtMs: number | undefined
  #refreshing: Promise<void> | undefined

  constructor(options: PartitionShareOptions) {
    this.#options = options
  }

  /** The partitions to take work from: their leases have surely not ended. */
  get partitions(): readonly number[] {
    const nowMs = this.#options.clock.monotonicMs()
    return [...this.#held]
      .filter(([partition, { untilMs }]) => nowMs < untilMs && !this.#leaving.has(partition))
      .map(([partition]) => partition)
  }

  /** Extends and rebalances, at most three times per lease. Partitions in which work is `inHand` are not given to others yet. */
  refresh(inHand: () => ReadonlySet<number>): Promise<void> {
    const { clock, ttlMs } = this.#options
    if (this.#refreshedAtMs !== undefined && clock.monotonicMs() - this.#refreshedAtMs < ttlMs / 3) return Promise.resolve()
    this.#refreshing ??= this.#refresh(inHand).finally(() => (this.#refreshing = undefined))
    return this.#refreshing
  }

  /** Gives everything to the others at once. */
  async handBack(): Promise<void> {
    await this.#refreshing?.catch(() => undefined)
    const leases = [...this.#held.values()].map(({ lease }) => lease)
    if (this.#member !== undefined) leases.push(this.#member)
    this.#held = new Map()
    this.#member = undefined
    await this.#options.leases.release(leases)
  }

  async #refresh(inHand: () => ReadonlySet<number>): Promise<void> {
    const { leases, what, holder, partitions, ttlMs, clock } = this.#options
    const startedMs = clock.monotonicMs()
    const untilMs = startedMs + ttlMs
    const [member] = await leases.acquire([`${what}/member/${holder}`], holder, ttlMs)
    this.#member = member
    const members = await leases.held(`${what}/member/`)
    const rank = members.findIndex((other) => other.holder === holder)
    const mine = Array.from({ length: partitions }, (_, partition) => partition).filter((partition) => partition % members.length === rank)
    const busy = inHand()
    const given = [...this.#held].filter(([partition]) => this.#leaving.has(partition) && !mine.includes(partition) && !busy.has(partition))
    for (const [partition] of given) this.#held.delete(partition)
    this.#leaving = new Set([...this.#held.keys()].filter((partition) => !mine.includes(partition)))
    await leases.release(given.map(([, { lease }]) => lease))
    // Those that are still leaving are extended too.
    const wanted = new Set([...mine, ...this.#held.keys()])
    const acquired = await leases.acquire(
      [...wanted].map((partition) => `${what}/${partition}`),
      holder,
      ttlMs,
    )
    this.#held = new Map(acquired.map((lease) => [Number(lease.name.slice(what.length + 1)), { lease, untilMs }]))
    this.#refreshedAtMs = startedMs
  }
}
