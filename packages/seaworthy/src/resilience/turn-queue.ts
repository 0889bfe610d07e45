import { type Clock, type Timer, countedWait } from 'seaworthy/core'
import { ADMISSION_WAIT } from './events.ts'

/** Says when calls may begin. Times are on the monotonic clock. */
export interface Limit {
  /** How long a call that `ahead` others go before has to wait. */
  delayMs(nowMs: number, ahead: number): number
  /** A call begins. */
  take(nowMs: number): void
}

/**
 * Calls that wait for their turn: first come, first served, one timer for all. The limit is asked again at the moment when a
 * call begins, and told of that moment: a timer may be early by a part of a millisecond, and after an event loop that stood
 * still the turns that it missed must not come all at once.
 */
export class TurnQueue {
  readonly #limit: Limit
  readonly #clock: Clock
  readonly #waiting = new Set<() => void>()
  #timer: Timer | undefined

  constructor(limit: Limit, clock: Clock) {
    this.#limit = limit
    this.#clock = clock
  }

  /** How long a call that comes now would wait behind those that wait already. */
  delayMs(): number {
    return this.#limit.delayMs(this.#clock.monotonicMs(), this.#waiting.size)
  }

  /** Begins now, if nobody waits and the limit allows it. */
  tryBegin(): boolean {
    const nowMs = this.#clock.monotonicMs()
    if (this.#waiting.size > 0 || this.#limit.delayMs(nowMs, 0) > 0) return false
    this.#limit.take(nowMs)
    return true
  }

  /** Resolves when it is the call's turn. An abort gives the turn to the next, and rejects with the signal's reason. */
  begin(signal: AbortSignal | undefined): Promise<void> {
    return countedWait(ADMISSION_WAIT, this.#clock, this.#wait(signal))
  }

  #wait(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#waiting.delete(onTurn)
        signal?.removeEventListener('abort', onAbort)
      }
      const onTurn = () => {
        leave()
        resolve()
      }
      const onAbort = () => {
        leave()
        if (this.#waiting.size === 0) this.#timer?.cancel()
        reject(signal?.reason)
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#waiting.add(onTurn)
      if (this.#waiting.size === 1) this.#arm()
    })
  }

  #arm(): void {
    this.#timer = this.#clock.timer(this.#limit.delayMs(this.#clock.monotonicMs(), 0), () => {
      const nowMs = this.#clock.monotonicMs()
      for (const onTurn of this.#waiting) {
        if (this.#limit.delayMs(nowMs, 0) > 0) break
        this.#limit.take(nowMs)
        onTurn()
      }
      if (this.#waiting.size > 0) this.#arm()
    })
  }
}
