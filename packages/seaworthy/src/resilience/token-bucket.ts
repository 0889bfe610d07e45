import type { Limit } from './rate-limiter.ts'

/**
 * A token bucket, kept as the moment at which it is full again (the generic cell rate algorithm, ITU-T I.371): no timer
 * fills it, and a reservation moves the moment on.
 */
export class TokenBucket implements Limit {
  readonly #msPerCall: number
  readonly #burstMs: number
  #fullAtMs: number

  constructor(perSecond: number, burst: number, nowMs: number) {
    this.#msPerCall = 1_000 / perSecond
    this.#burstMs = this.#msPerCall * (burst - 1)
    this.#fullAtMs = nowMs
  }

  reserve(nowMs: number, waitMaxMs: number): number {
    const fullAtMs = Math.max(this.#fullAtMs, nowMs)
    const delayMs = Math.max(0, fullAtMs - this.#burstMs - nowMs)
    if (delayMs <= waitMaxMs) this.#fullAtMs = fullAtMs + this.#msPerCall
    return delayMs
  }
}
