import { type Clock, type Timer, systemClock } from 'seaworthy/core'

/** The clock of a process that can be stopped, as SIGSTOP does: what it waits for does not come until it goes on. */
export class PausableClock implements Clock {
  #held: (() => void)[] | undefined

  now(): number {
    return systemClock.now()
  }

  monotonicMs(): number {
    return systemClock.monotonicMs()
  }

  timer(delayMs: number, fire: () => void, options?: { keepAlive?: boolean }): Timer {
    return systemClock.timer(delayMs, () => (this.#held === undefined ? fire() : void this.#held.push(fire)), options)
  }

  stop(): void {
    this.#held ??= []
  }

  goOn(): void {
    const held = this.#held ?? []
    this.#held = undefined
    for (const fire of held) fire()
  }
}
