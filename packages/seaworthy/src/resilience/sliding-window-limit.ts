import type { Limit } from './turn-queue.ts'

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

  delayMs(nowMs: number, ahead: number): number {
    const { length } = this.#beganAtMs
    const beganAtMs = this.#beganAtMs[(this.#oldest + ahead) % length]!
    // Behind a whole window of calls that have yet to begin, each goes a window later than the one before it in the ring.
    return Math.max(0, beganAtMs + this.#windowMs - nowMs) + Math.floor(ahead / length) * this.#windowMs
  }

  take(nowMs: number): void {
    this.#beganAtMs[this.#oldest] = nowMs
    this.#oldest = (this.#oldest + 1) % this.#beganAtMs.length
  }
}
