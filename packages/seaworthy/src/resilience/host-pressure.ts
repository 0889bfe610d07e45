import { type Clock, nextMacrotask } from 'seaworthy/core'

const STALE_MS = 1_000

/** How long the event loop has lately been late, measured only when somebody asks: an idle process does nothing. */
export class HostPressure {
  readonly #clock: Clock
  #delayMs = 0
  #measuredAtMs = Number.NEGATIVE_INFINITY
  #isMeasuring = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** How long a turn of the event loop took when last looked at, in milliseconds. Looks again, for the next who asks. */
  eventLoopDelayMs(): number {
    const nowMs = this.#clock.monotonicMs()
    if (!this.#isMeasuring) {
      this.#isMeasuring = true
      nextMacrotask(() => {
        this.#isMeasuring = false
        this.#measuredAtMs = this.#clock.monotonicMs()
        this.#delayMs = this.#measuredAtMs - nowMs
      })
    }
    // What was measured long ago says nothing about now.
    return nowMs - this.#measuredAtMs > STALE_MS ? 0 : this.#delayMs
  }
}
