import type { RoutableRequest } from '@seaworthy/http-proxy'
import type { Clock } from 'seaworthy/core'
import { type CallLimit, callLimit, type RateLimitedError } from 'seaworthy/resilience'
import { keyOf } from './strangler/request-key.ts'
import type { RateLimitDeclaration } from './upstream-policy.ts'

const KEYS_MAX = 10_000

/** A rate limit of its own for each client or key, of which so many are remembered. */
export class KeyedRateLimit {
  readonly #name: string
  readonly #declaration: RateLimitDeclaration
  readonly #clock: Clock
  // In the order of their last use: a Map keeps that in which its keys were added.
  readonly #limits = new Map<string, CallLimit>()

  constructor(name: string, declaration: RateLimitDeclaration, clock: Clock) {
    this.#name = name
    this.#declaration = declaration
    this.#clock = clock
  }

  /** @returns why the request may not go on */
  tryBegin(request: RoutableRequest): RateLimitedError | undefined {
    const { by, limit, keysMax = KEYS_MAX } = this.#declaration
    const key = by === 'client' ? request.clientAddress : (keyOf(request, by) ?? '')
    const known = this.#limits.get(key) ?? callLimit(limit, { name: this.#name, clock: this.#clock })
    this.#limits.delete(key)
    this.#limits.set(key, known)
    if (this.#limits.size > keysMax) {
      const [oldest] = this.#limits.keys()
      if (oldest !== undefined) this.#limits.delete(oldest)
    }
    return known.tryBegin()
  }
}
