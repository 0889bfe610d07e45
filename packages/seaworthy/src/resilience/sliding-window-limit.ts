import type { Limit } from './rate-limiter.ts'

/** Remembers when the last calls began, so that no period of the window's length, wherever it begins, has more than allowed. */
export class SlidingWindowLimit implements Limit {
  // In a ring: the oldest is the one that the next call has to be a window away from.
  readonly #beganAtMs: Float64Array
  readonly #windowMs: number
  #oldest = 0

  constructor(callsMax: number, windowMs: number) {
    this.#beganAtMs = new Float64Array(callsMax).fill(Number.NEGATIVE_INFINITY)
    this.#windowMs = windowMs
  }

  reserve(nowMs: number, waitMaxMs: number): number {
    const mayBeginMs = this.#beganAtMs[this.#oldest]! + this.#windowMs
    const delayMs = Math.max(0, mayBeginMs - nowMs)
    if (delayMs <= waitMaxMs) {
      this.#beganAtMs[this.#oldest] = nowMs + delayMs
      this.#oldest = (this.#oldest + 1) % this.#beganAtMs.length
    }
    return delayMs
  }
}
