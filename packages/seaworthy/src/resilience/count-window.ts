import type { CallCounts, CallWindow } from './evidence.ts'

const FAILED = 1
const SLOW = 2

/** The last calls, in a ring: recording one takes the same time whatever the size. */
export class CountWindow implements CallWindow {
  readonly #callsMax: number
  // Made when the first call was not well: most breakers never need it.
  #ring: Uint8Array | undefined
  #next = 0
  #calls = 0
  #failures = 0
  #slow = 0

  constructor(callsMax: number) {
    this.#callsMax = callsMax
  }

  record(failed: boolean, slow: boolean): void {
    const code = (failed ? FAILED : 0) | (slow ? SLOW : 0)
    if (this.#ring !== undefined || code !== 0) {
      const ring = (this.#ring ??= new Uint8Array(this.#callsMax))
      const leaving = this.#calls === this.#callsMax ? ring[this.#next]! : 0
      ring[this.#next] = code
      this.#failures += (code & FAILED) - (leaving & FAILED)
      this.#slow += ((code & SLOW) - (leaving & SLOW)) >> 1
    }
    if (this.#calls < this.#callsMax) this.#calls++
    this.#next = this.#next + 1 === this.#callsMax ? 0 : this.#next + 1
  }

  counts(): CallCounts {
    return { calls: this.#calls, failures: this.#failures, slow: this.#slow }
  }

  clear(): void {
    this.#ring = undefined
    this.#next = 0
    this.#calls = 0
    this.#failures = 0
    this.#slow = 0
  }

  /** The same calls in a window of another size, the latest ones if not all fit. */
  resized(callsMax: number): CountWindow {
    const window = new CountWindow(callsMax)
    for (let age = Math.min(this.#calls, callsMax); age > 0; age--) {
      const code = this.#ring?.[(this.#next - age + this.#callsMax) % this.#callsMax] ?? 0
      window.record((code & FAILED) !== 0, (code & SLOW) !== 0)
    }
    return window
  }
}
