import type { CallCounts, CallWindow } from './evidence.ts'

const SLICES = 32

/**
 * The calls of the last `durationMs` on the monotonic clock, in 32 slices of time: a call counts for 31 to 32 parts of the
 * window. All slices that have passed are dropped, however long nobody called, and memory does not grow with the calls.
 */
export class TimeWindow implements CallWindow {
  readonly durationMs: number
  readonly #sliceMs: number
  // Calls, failures and slow calls of each slice, side by side in one array.
  readonly #counts = new Uint32Array(SLICES * 3)
  // Counted on the monotonic clock from its beginning, so that the number says which slices have passed.
  #slice = 0
  #totalCalls = 0
  #totalFailures = 0
  #totalSlow = 0

  constructor(durationMs: number) {
    this.durationMs = durationMs
    this.#sliceMs = durationMs / SLICES
  }

  record(failed: boolean, slow: boolean, nowMs: number): void {
    this.#passTo(nowMs)
    const index = (this.#slice % SLICES) * 3
    this.#counts[index]!++
    this.#totalCalls++
    if (failed) {
      this.#counts[index + 1]!++
      this.#totalFailures++
    }
    if (slow) {
      this.#counts[index + 2]!++
      this.#totalSlow++
    }
  }

  counts(nowMs: number): CallCounts {
    this.#passTo(nowMs)
    return { calls: this.#totalCalls, failures: this.#totalFailures, slow: this.#totalSlow }
  }

  clear(): void {
    this.#counts.fill(0)
    this.#totalCalls = 0
    this.#totalFailures = 0
    this.#totalSlow = 0
  }

  #passTo(nowMs: number): void {
    const now = Math.floor(nowMs / this.#sliceMs)
    const passed = now - this.#slice
    if (passed <= 0) return
    this.#slice = now
    if (passed >= SLICES) {
      this.clear()
      return
    }
    for (let slice = now - passed + 1; slice <= now; slice++) {
      const index = (slice % SLICES) * 3
      this.#totalCalls -= this.#counts[index]!
      this.#totalFailures -= this.#counts[index + 1]!
      this.#totalSlow -= this.#counts[index + 2]!
      this.#counts.fill(0, index, index + 3)
    }
  }
}
