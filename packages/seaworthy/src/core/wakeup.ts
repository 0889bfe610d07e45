import type { Clock } from './clock.ts'

/** Lets several wait until something may have happened, each for a time of its own. */
export class Wakeup {
  readonly #waiters = new Set<() => void>()
  #count = 0

  /** Note this before looking for work: a wake-up between the look and the wait then ends the wait at once. */
  get count(): number {
    return this.#count
  }

  wake(): void {
    this.#count++
    for (const waiter of this.#waiters) waiter()
  }

  /** Settles at the first wake-up after `count` was noted, or after `waitMs`. Rejects with the signal's reason on an abort. */
  wait(count: number, options: { clock: Clock; waitMs: number; signal: AbortSignal | undefined }): Promise<void> {
    const { clock, waitMs, signal } = options
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(signal.reason)
        return
      }
      if (this.#count !== count) {
        resolve()
        return
      }
      const leave = () => {
        timer.cancel()
        this.#waiters.delete(onWake)
        signal?.removeEventListener('abort', onAbort)
      }
      const onWake = () => {
        leave()
        resolve()
      }
      const onAbort = () => {
        leave()
        reject(signal?.reason)
      }
      const timer = clock.timer(waitMs, onWake)
      this.#waiters.add(onWake)
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }
}
