import { environment } from './environment.ts'

/** A timer that can be cancelled. Cancelling twice, or after it fired, does nothing. */
export interface Timer {
  cancel(): void
  /** Whether the process stays alive until it fires. A clock whose timers keep nothing alive need not have it. */
  keepAlive?(on: boolean): void
}

/**
 * Time as the library sees it. Production uses {@link systemClock}; tests and the simulation bring their own.
 * Durations are measured on the monotonic clock, because the wall clock may jump by hours.
 */
export interface Clock {
  /** Wall-clock time in milliseconds since the Unix epoch: for people and for records, never for durations. */
  now(): number
  /** Milliseconds on a clock that never goes back. Only differences mean anything. */
  monotonicMs(): number
  /** Calls `fire` once, after `delayMs`. `keepAlive: false` lets the process exit before it fires. */
  timer(delayMs: number, fire: () => void, options?: { keepAlive?: boolean }): Timer
}

// setTimeout fires at once when asked for more than a signed 32-bit number of milliseconds (24.8 days).
const TIMER_MS_MAX = 2_147_483_647

class SystemTimer implements Timer {
  #handle: NodeJS.Timeout
  readonly #fire: () => void
  #keepAlive: boolean

  constructor(delayMs: number, fire: () => void, keepAlive: boolean) {
    this.#fire = fire
    this.#keepAlive = keepAlive
    this.#handle = this.#arm(Math.max(0, delayMs))
  }

  #arm(remainingMs: number): NodeJS.Timeout {
    const handle =
      remainingMs <= TIMER_MS_MAX
        ? setTimeout(this.#fire, remainingMs)
        : setTimeout(() => (this.#handle = this.#arm(remainingMs - TIMER_MS_MAX)), TIMER_MS_MAX)
    if (!this.#keepAlive) handle.unref()
    return handle
  }

  cancel(): void {
    clearTimeout(this.#handle)
  }

  keepAlive(on: boolean): void {
    this.#keepAlive = on
    if (on) this.#handle.ref()
    else this.#handle.unref()
  }
}

/** The clock of this process, or of the environment that stands in for it. */
export const systemClock: Clock = {
  now: () => environment()?.clock.now() ?? Date.now(),
  monotonicMs: () => environment()?.clock.monotonicMs() ?? performance.now(),
  timer: (delayMs, fire, options) =>
    environment()?.clock.timer(delayMs, fire, options) ?? new SystemTimer(delayMs, fire, options?.keepAlive ?? true),
}

/**
 * Waits `delayMs` on the given clock. An abort ends the wait at once and rejects with the signal's reason;
 * neither timer nor listener is left behind.
 */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason)
      return
    }
    const onAbort = () => {
      timer.cancel()
      reject(signal?.reason)
    }
    const timer = clock.timer(delayMs, () => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    })
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}
