export interface GradientOptions {
  readonly initial: number
  readonly min: number
  readonly max: number
}

/** Latency may be a tenth above the unloaded one before the limit shrinks. */
const TOLERANCE = 1.1
/** How much of the way to the wanted limit is gone in the time of one call. */
const SMOOTHING = 0.5
const FAILURE_FACTOR = 0.9
const CALLS_BETWEEN_PROBES = 5_000

/**
 * How many calls a receiver takes at once, learned from how long they take: while latency is what it is without load the
 * limit grows, when latency grows the limit shrinks by as much. After the gradient limits of Netflix's concurrency-limits
 * (2018). A long-term average of latency drifts up under a load that lasts, and the limit with it; so the unloaded latency is
 * measured anew now and then, with the limit halved for the time of two calls, as BBR does (Cardwell and others, 2016).
 * Pure arithmetic: no clock, no timer.
 */
export class GradientLimit {
  readonly #min: number
  readonly #max: number
  #limit: number
  #unloadedMs = 0
  #latencyMs = 0
  #calls = 0
  // While above zero, so many calls are left of a measurement; those of its first half still come from before.
  #probing: number
  #probeHalf = 0
  #probeSumMs = 0

  constructor({ initial, min, max }: GradientOptions) {
    this.#limit = initial
    this.#min = min
    this.#max = max
    this.#probing = initial
  }

  get value(): number {
    return Math.floor(this.#probing > 0 ? Math.max(this.#min, this.#limit / 2) : this.#limit)
  }

  /** A call ended by itself, when so many were running. */
  succeeded(latencyMs: number, running: number): void {
    if (this.#probing > 0) {
      this.#probe(latencyMs)
      return
    }
    if (++this.#calls >= CALLS_BETWEEN_PROBES) this.#beginProbe()
    this.#latencyMs += (latencyMs - this.#latencyMs) / Math.max(10, this.#limit)
    // Who does not use the limit learns nothing about it.
    if (running < this.#limit / 2) return
    const gradient = Math.max(0.5, Math.min(1, (TOLERANCE * this.#unloadedMs) / this.#latencyMs))
    const wanted = this.#limit * gradient + Math.sqrt(this.#limit) / 2
    // Spread over as many calls as run at once: they all tell of the same moment.
    this.#set(this.#limit + ((wanted - this.#limit) * SMOOTHING) / this.#limit)
  }

  /** A call was dropped: it timed out, or its receiver or this host said that it is overloaded. */
  dropped(): void {
    this.#set(this.#limit * FAILURE_FACTOR)
  }

  #beginProbe(): void {
    this.#calls = 0
    this.#probing = 2 * Math.ceil(this.#limit)
    this.#probeHalf = this.#probing / 2
    this.#probeSumMs = 0
  }

  #probe(latencyMs: number): void {
    if (this.#probing-- > this.#probeHalf && this.#probeHalf > 0) return
    this.#probeSumMs += latencyMs
    this.#calls++
    if (this.#probing > 0) return
    this.#unloadedMs = Math.max(this.#probeSumMs / this.#calls, Number.MIN_VALUE)
    this.#latencyMs = this.#unloadedMs
    this.#calls = 0
  }

  #set(limit: number): void {
    this.#limit = Math.max(this.#min, Math.min(this.#max, limit))
  }
}
