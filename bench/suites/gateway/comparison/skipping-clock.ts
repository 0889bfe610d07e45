import type { Clock } from 'seaworthy/core'

/** A clock on which every wait is over at once, and has taken its time: hours of replays in a second. One waiter at a time. */
export class SkippingClock implements Clock {
  #nowMs = Date.UTC(2026, 2, 3, 14, 7, 21, 382)

  now(): number {
    return this.#nowMs
  }

  monotonicMs(): number {
    return this.#nowMs
  }

  timer(delayMs: number, fire: () => void) {
    let isCancelled = false
    queueMicrotask(() => {
      if (isCancelled) return
      this.pass(delayMs)
      fire()
    })
    return { cancel: () => void (isCancelled = true) }
  }

  pass(ms: number): void {
    this.#nowMs += ms
  }
}
