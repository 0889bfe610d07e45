import type { Limit } from './turn-queue.ts'

/**
 * A token bucket, kept as the moment at which it is full again (the generic cell rate algorithm, ITU-T I.371): no timer
 * fills it, and a call moves the moment on.
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

  delayMs(nowMs: number, ahead: number): number {
    return Math.max(0, Math.max(this.#fullAtMs, nowMs) + ahead * this.#msPerCall - this.#burstMs - nowMs)
  }

  take(nowMs: number): void {
    this.#fullAtMs = Math.max(this.#fullAtMs, nowMs) + this.#msPerCall
  }
}
