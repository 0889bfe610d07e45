import { type CallContext, ConfigurationError, LimitExceededError } from 'seaworthy/core'
import type { Policy, PolicySnapshot } from './policy.ts'

export interface KeyedOptions {
  /** How many keys are remembered at once. */
  readonly keysMax: number
}

/** A policy of its own for each key: a host, a tenant, a shard. */
export interface KeyedPolicies {
  readonly size: number
  /** The policy of a key, made now if it is new. @throws LimitExceededError when no remembered key may be forgotten */
  of(key: string): Policy
  /** `of(key).run(body, context)`, whose promise also rejects with what `of` throws. */
  run<T>(key: string, body: (call: CallContext) => Promise<T>, context?: CallContext): Promise<T>
  /** For display. */
  snapshot(): ReadonlyMap<string, PolicySnapshot>
}

interface Entry {
  readonly key: string
  readonly policy: Policy
  /** Since the hand went by last. */
  wasUsed: boolean
}

/**
 * One policy per key, so that one bad host opens its own circuit only. When there are more keys than `keysMax`, one that
 * nobody used lately is forgotten (the CLOCK algorithm: F. J. Corbató, 1968): first among those whose circuit is closed, and
 * never one with calls under way, whose limits would then hold twice, nor one that was isolated by hand.
 * @throws ConfigurationError
 */
export function keyed(policyFor: (key: string) => Policy, options: KeyedOptions): KeyedPolicies {
  if (!Number.isSafeInteger(options.keysMax) || options.keysMax < 1) {
    throw new ConfigurationError(`keysMax is ${options.keysMax}, but must be a positive integer.`)
  }
  return new KeyedPolicyMap(policyFor, options.keysMax)
}

class KeyedPolicyMap implements KeyedPolicies {
  readonly #policyFor: (key: string) => Policy
  readonly #keysMax: number
  readonly #entries = new Map<string, Entry>()
  // In a ring of its own: a map whose first entry is moved to the end again and again is searched for it from the beginning.
  readonly #ring: Entry[] = []
  #hand = 0

  constructor(policyFor: (key: string) => Policy, keysMax: number) {
    this.#policyFor = policyFor
    this.#keysMax = keysMax
  }

  get size(): number {
    return this.#entries.size
  }

  of(key: string): Policy {
    const known = this.#entries.get(key)
    if (known !== undefined) {
      known.wasUsed = true
      return known.policy
    }
    const entry: Entry = { key, policy: this.#policyFor(key), wasUsed: false }
    if (this.#ring.length < this.#keysMax) this.#ring.push(entry)
    else this.#ring[this.#forgetOne()] = entry
    this.#entries.set(key, entry)
    return entry.policy
  }

  async run<T>(key: string, body: (call: CallContext) => Promise<T>, context?: CallContext): Promise<T> {
    return this.of(key).run(body, context)
  }

  snapshot(): ReadonlyMap<string, PolicySnapshot> {
    return new Map([...this.#entries].map(([key, { policy }]) => [key, policy.snapshot()]))
  }

  /** @returns its place in the ring */
  #forgetOne(): number {
    let idleButNotClosed: number | undefined
    // Twice around: the first time takes the marks away.
    for (let steps = 2 * this.#ring.length; steps > 0; steps--) {
      const place = this.#hand
      this.#hand = (place + 1) % this.#ring.length
      const entry = this.#ring[place]!
      if (entry.wasUsed) {
        entry.wasUsed = false
        continue
      }
      const { isIdle, isClosed } = conditionOf(entry.policy.snapshot())
      if (isIdle && isClosed) return this.#forget(place)
      if (isIdle) idleButNotClosed ??= place
    }
    if (idleButNotClosed === undefined) {
      throw new LimitExceededError(
        `All ${this.#keysMax} keys (keysMax) have calls under way or are isolated, so that there is no room for another. Nothing was sent; raise keysMax.`,
      )
    }
    return this.#forget(idleButNotClosed)
  }

  #forget(place: number): number {
    this.#entries.delete(this.#ring[place]!.key)
    return place
  }
}

function conditionOf({ calls, succeeded, failed, bulkhead, circuitBreaker }: PolicySnapshot): { isIdle: boolean; isClosed: boolean } {
  return {
    // A body that ran out of time has failed and still holds its place. What a person isolated stays so until a person releases it.
    isIdle: calls === succeeded + failed && (bulkhead?.running ?? 0) === 0 && circuitBreaker?.state !== 'isolated',
    isClosed: circuitBreaker === undefined || circuitBreaker.state === 'closed',
  }
}
