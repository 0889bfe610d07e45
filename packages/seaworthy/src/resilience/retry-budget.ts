import type { Clock } from 'seaworthy/core'
import { BUDGET_MIN_PER_SECOND, BUDGET_TOKENS_MAX, type RetryBudgetDeclaration } from './policy-declaration.ts'

export interface RetryBudgetSnapshot {
  readonly tokens: number
  readonly tokensMax: number
  /** Retries that were not made for want of a token. */
  readonly denied: number
}

/**
 * Bounds the load that retries add to a receiver that is down: a token bucket into which every call puts a part of
 * a token and from which every retry takes one. After Finagle's RetryBudget, and gRPC's retry throttling (gRFC A6).
 */
export class RetryBudget {
  readonly #clock: Clock
  #ratio = 0
  #perMs = 0
  #tokensMax = 0
  #tokens: number
  #filledAtMs: number
  #denied = 0

  constructor(declaration: RetryBudgetDeclaration, clock: Clock) {
    this.#clock = clock
    this.reconfigure(declaration)
    this.#tokens = this.#tokensMax
    this.#filledAtMs = clock.monotonicMs()
  }

  /** Takes over other settings and keeps the tokens that fit. */
  reconfigure(declaration: RetryBudgetDeclaration): void {
    this.#ratio = declaration.ratio
    this.#perMs = (declaration.minPerSecond ?? BUDGET_MIN_PER_SECOND) / 1_000
    this.#tokensMax = declaration.tokensMax ?? BUDGET_TOKENS_MAX
  }

  /** For each call, not for its retries. */
  deposit(): void {
    // Almost always full: then there is nothing to write, and no number to make.
    if (this.#tokens < this.#tokensMax) this.#tokens = Math.min(this.#tokensMax, this.#tokens + this.#ratio)
  }

  /** Takes a token for a retry. False: there is none, so do not retry. */
  tryTake(): boolean {
    this.#fill()
    if (this.#tokens < 1) {
      this.#denied++
      return false
    }
    this.#tokens--
    return true
  }

  snapshot(): RetryBudgetSnapshot {
    this.#fill()
    return { tokens: this.#tokens, tokensMax: this.#tokensMax, denied: this.#denied }
  }

  // By the time that has passed, when it is asked: a timer per policy would cost while nothing happens.
  #fill(): void {
    const now = this.#clock.monotonicMs()
    this.#tokens = Math.min(this.#tokensMax, this.#tokens + (now - this.#filledAtMs) * this.#perMs)
    this.#filledAtMs = now
  }
}
