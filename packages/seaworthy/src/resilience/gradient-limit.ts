export interface GradientOptions {
  readonly initial: number
  readonly min: number
  readonly max: number
}

const SMOOTHING = 0.5
/** Latency may grow by half before the limit shrinks. */
const TOLERANCE = 1.5
const LONG_TERM_CALLS = 600
const FAILURE_FACTOR = 0.9

/**
 * How many calls a receiver takes at once, learned from how long they take: while latency stays what it is in the long run the
 * limit grows by the queue it allows itself, when latency grows the limit shrinks by as much. After Gradient2 of Netflix's
 * concurrency-limits (2018). Pure arithmetic: no clock, no timer.
 */
export class GradientLimit {
  readonly #min: number
  readonly #max: number
  #limit: number
  #longTermMs = 0
  #samples = 0

  constructor({ initial, min, max }: GradientOptions) {
    this.#limit = initial
    this.#min = min
    this.#max = max
  }

  get value(): number {
    return Math.floor(this.#limit)
  }

  /** A call ended by itself, when so many were running. */
  succeeded(latencyMs: number, running: number): void {
    const weight = 1 / Math.min(++this.#samples, LONG_TERM_CALLS)
    this.#longTermMs += (latencyMs - this.#longTermMs) * weight
    // Latency that fell for good must not look like a success of the present limit for ever.
    if (this.#longTermMs > 2 * latencyMs) this.#longTermMs *= 0.99
    // Who does not use the limit learns nothing about it.
    if (running < this.#limit / 2) return
    const gradient = Math.max(0.5, Math.min(1, (TOLERANCE * this.#longTermMs) / Math.max(latencyMs, Number.MIN_VALUE)))
    const wanted = this.#limit * gradient + Math.sqrt(this.#limit)
    // Spread over as many calls as run at once: they all tell of the same moment.
    this.#set(this.#limit + ((wanted - this.#limit) * SMOOTHING) / this.#limit)
  }

  /** A call was dropped: it timed out, or its receiver or this host said that it is overloaded. */
  dropped(): void {
    this.#set(this.#limit * FAILURE_FACTOR)
  }

  #set(limit: number): void {
    this.#limit = Math.max(this.#min, Math.min(this.#max, limit))
  }
}
