import { type Clock } from 'seaworthy/core'

/** Wakes one waiter. A ring that nobody waits for is kept for the next wait, so that none is lost between looking and waiting. */
export class Bell {
  readonly #clock: Clock
  #rung = false
  #wake: (() => void) | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  ring(): void {
    this.#rung = true
    this.#wake?.()
  }

  /** Settles at the next ring, after `timeoutMs`, or when the signal is aborted: whichever is first. */
  wait(timeoutMs: number, signal: AbortSignal): Promise<void> {
    if (this.#rung || signal.aborted) {
      this.#rung = false
      return Promise.resolve()
    }
    return new Promise((resolve) => {
      const wake = () => {
        timer.cancel()
        signal.removeEventListener('abort', wake)
        this.#wake = undefined
        this.#rung = false
        resolve()
      }
      const timer = this.#clock.timer(timeoutMs, wake)
      signal.addEventListener('abort', wake, { once: true })
      this.#wake = wake
    })
  }
}
