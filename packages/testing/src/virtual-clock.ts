import type { Clock, Timer } from 'seaworthy/core'

/** A timer that has been asked for and has neither fired nor been cancelled. */
export interface PendingTimer {
  /** When it fires, on the clock's monotonic time. */
  readonly dueMs: number
  readonly keepAlive: boolean
}

interface Entry extends PendingTimer {
  readonly fire: () => void
}

/**
 * A clock that stands still until a test moves it, so that an hour of back-off takes no time and a run repeats exactly.
 *
 * The monotonic clock moves by {@link advance} alone. The wall clock moves with it, and jumps where the test says:
 * a host whose time is set back by an hour is `clock.jumpWallClock(-3_600_000)`.
 */
export class VirtualClock implements Clock {
  #monotonicMs: number
  #wallMs: number
  // In order of firing; timers due at the same moment fire in the order in which they were asked for.
  readonly #timers: Entry[] = []

  constructor(start: { nowMs?: number; monotonicMs?: number } = {}) {
    this.#wallMs = start.nowMs ?? Date.UTC(2026, 0, 1)
    this.#monotonicMs = start.monotonicMs ?? 0
  }

  now(): number {
    return this.#wallMs
  }

  monotonicMs(): number {
    return this.#monotonicMs
  }

  timer(delayMs: number, fire: () => void, options?: { keepAlive?: boolean }): Timer {
    const entry: Entry = { dueMs: this.#monotonicMs + Math.max(0, delayMs), keepAlive: options?.keepAlive ?? true, fire }
    const after = this.#timers.findIndex((other) => other.dueMs > entry.dueMs)
    this.#timers.splice(after === -1 ? this.#timers.length : after, 0, entry)
    return { cancel: () => this.#remove(entry) }
  }

  /** Timers not yet fired nor cancelled, the next one first. Assert that none is left when the work is done. */
  get pending(): readonly PendingTimer[] {
    return this.#timers.map(({ dueMs, keepAlive }) => ({ dueMs, keepAlive }))
  }

  /**
   * Moves both clocks on by `ms` milliseconds. Timers that come due fire one by one, each at its own moment, and
   * promises run before the next; timers that they ask for fire too if they come due. What a timer throws is thrown here.
   */
  async advance(ms: number): Promise<void> {
    if (!(ms >= 0)) throw new RangeError(`A clock cannot advance by ${ms} ms. To set the wall clock back, use jumpWallClock.`)
    const target = this.#monotonicMs + ms
    await settled()
    for (let next = this.#timers[0]; next !== undefined && next.dueMs <= target; next = this.#timers[0]) {
      this.#remove(next)
      this.#moveTo(next.dueMs)
      next.fire()
      await settled()
    }
    this.#moveTo(target)
  }

  /** Moves on to the next timer and fires it and all that are due with it. @returns the milliseconds passed, 0 if there is no timer */
  async advanceToNext(): Promise<number> {
    await settled()
    const next = this.#timers[0]
    const ms = next === undefined ? 0 : Math.max(0, next.dueMs - this.#monotonicMs)
    await this.advance(ms)
    return ms
  }

  /** Moves the wall clock alone, forward or back: what a correction by NTP, or an operator, does to a running process. */
  jumpWallClock(ms: number): void {
    this.#wallMs += ms
  }

  /** Moves the monotonic clock alone and fires nothing: an event loop that stood still, whose timers come late. */
  stall(ms: number): void {
    if (!(ms >= 0)) throw new RangeError(`The monotonic clock never goes back, so it cannot move by ${ms} ms.`)
    this.#monotonicMs += ms
  }

  #moveTo(monotonicMs: number): void {
    if (monotonicMs <= this.#monotonicMs) return
    this.#wallMs += monotonicMs - this.#monotonicMs
    this.#monotonicMs = monotonicMs
  }

  #remove(entry: Entry): void {
    const index = this.#timers.indexOf(entry)
    if (index !== -1) this.#timers.splice(index, 1)
  }
}

/** Resolves when every promise that is ready now, and what follows from it, has run. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
