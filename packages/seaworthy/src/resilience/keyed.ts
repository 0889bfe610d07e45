import { type CallContext, ConfigurationError, LimitExceededError } from 'seaworthy/core'
import type { Policy, PolicySnapshot } from './policy.ts'

export interface KeyedOptions {
  /** How many keys are remembered at once. */
  readonly keysMax: number
}

/** A policy of its own for each key: a host, a tenant, a shard. */
export interface KeyedPolicies {
  readonly size: number
  /** The policy of a key, made now if it is new. @throws LimitExceededError when every remembered key has calls under way */
  of(key: string): Policy
  /** `of(key).run(body, context)`, whose promise also rejects with what `of` throws. */
  run<T>(key: string, body: (call: CallContext) => Promise<T>, context?: CallContext): Promise<T>
  /** For display. */
  snapshot(): ReadonlyMap<string, PolicySnapshot>
}

interface Entry {
  readonly policy: Policy
  /** Since the hand went by last. */
  wasUsed: boolean
}

/**
 * One policy per key, so that one bad host opens its own circuit only. When there are more keys than `keysMax`, one that
 * nobody used lately is forgotten (the CLOCK algorithm: F. J. Corbató, 1968): first among those whose circuit is closed, and
 * never one with calls under way, whose limits would then hold twice.
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
  // The map's order is the ring: the hand points at its first entry, and passing an entry moves it to the end.
  readonly #entries = new Map<string, Entry>()

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
    if (this.#entries.size >= this.#keysMax) this.#forgetOne()
    const policy = this.#policyFor(key)
    this.#entries.set(key, { policy, wasUsed: false })
    return policy
  }

  async run<T>(key: string, body: (call: CallContext) => Promise<T>, context?: CallContext): Promise<T> {
    return this.of(key).run(body, context)
  }

  snapshot(): ReadonlyMap<string, PolicySnapshot> {
    return new Map([...this.#entries].map(([key, { policy }]) => [key, policy.snapshot()]))
  }

  #forgetOne(): void {
    let idleButNotClosed: string | undefined
    // Twice around: the first time takes the marks away.
    for (let steps = 2 * this.#entries.size; steps > 0; steps--) {
      const [[key, entry]] = this.#entries as unknown as [[string, Entry]]
      const { isIdle, isClosed } = conditionOf(entry.policy.snapshot())
      if (isIdle && isClosed && !entry.wasUsed) {
        this.#entries.delete(key)
        return
      }
      if (isIdle && !entry.wasUsed) idleButNotClosed ??= key
      entry.wasUsed = false
      this.#entries.delete(key)
      this.#entries.set(key, entry)
    }
    if (idleButNotClosed === undefined) {
      throw new LimitExceededError(
        `All ${this.#keysMax} keys (keysMax) have calls under way, so that there is no room for another. Nothing was sent; raise keysMax.`,
      )
    }
    this.#entries.delete(idleButNotClosed)
  }
}

function conditionOf({ calls, succeeded, failed, bulkhead, circuitBreaker }: PolicySnapshot): { isIdle: boolean; isClosed: boolean } {
  return {
    // A body that ran out of time has failed and still holds its place.
    isIdle: calls === succeeded + failed && (bulkhead?.running ?? 0) === 0,
    isClosed: circuitBreaker === undefined || circuitBreaker.state === 'closed',
  }
}
