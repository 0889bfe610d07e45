import { type Clock, systemClock } from './clock.ts'

/**
 * Lets code wait until a condition holds on state that other code changes: whoever changes the state notifies, and each waiter looks at its
 * condition again. Waits are bounded, so that a change that never comes holds up nobody for ever.
 */
export class ConditionVariable {
  readonly #clock: Clock
  readonly #waiters = new Set<() => void>()

  constructor(clock: Clock = systemClock) {
    this.#clock = clock
  }

  /** Call it after every change of the state. */
  notify(): void {
    for (const look of this.#waiters) look()
  }

  /** Settles with true as soon as the condition holds, or with false after `timeoutMs`. */
  until(holds: () => boolean, timeoutMs: number): Promise<boolean> {
    if (holds()) return Promise.resolve(true)
    return new Promise((resolve) => {
      const end = (held: boolean) => {
        timer.cancel()
        this.#waiters.delete(look)
        resolve(held)
      }
      const look = () => {
        if (holds()) end(true)
      }
      const timer = this.#clock.timer(timeoutMs, () => end(false))
      this.#waiters.add(look)
    })
  }
}
