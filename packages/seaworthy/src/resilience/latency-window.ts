const SAMPLES = 512
const RECOMPUTED_EVERY = 32

/** The latest latencies, and a quantile of them that is worked out anew every 32 calls. */
export class LatencyWindow {
  readonly #quantile: number
  readonly #samples = new Float64Array(SAMPLES)
  #recorded = 0
  #value: number | undefined

  constructor(quantile: number) {
    this.#quantile = quantile
  }

  /** Calls seen since it was made. */
  get recorded(): number {
    return this.#recorded
  }

  /** The quantile in milliseconds; undefined before the first calls. */
  get valueMs(): number | undefined {
    return this.#value
  }

  record(latencyMs: number): void {
    this.#samples[this.#recorded % SAMPLES] = latencyMs
    this.#recorded++
    if (this.#recorded % RECOMPUTED_EVERY !== 0) return
    const sorted = this.#samples.slice(0, Math.min(this.#recorded, SAMPLES)).sort()
    this.#value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * this.#quantile))]
  }
}
