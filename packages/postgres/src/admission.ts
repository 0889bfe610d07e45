import { type Clock, LimitExceededError, type Timer } from 'seaworthy/core'

export interface AdmissionOptions {
  /** What is admitted, as in `transactions on orders`. */
  readonly what: string
  readonly placesMax: number
  /** Who waits at most. */
  readonly queueMax: number
  /** How long one waits at most, in milliseconds. */
  readonly waitMs: number
  readonly clock: Clock
}

/** A number of places, and a bounded line before them: who would have to wait for too long, or behind too many, is told so. */
export class Admission {
  readonly #options: AdmissionOptions
  readonly #waiting = new Set<() => void>()
  #free: number

  constructor(options: AdmissionOptions) {
    this.#options = options
    this.#free = options.placesMax
  }

  /**
   * Waits for a place. Give it back by the function that comes.
   * @throws LimitExceededError when the line is full, or the wait too long; the signal's reason when it aborts meanwhile
   */
  async enter(signal: AbortSignal | undefined): Promise<() => void> {
    signal?.throwIfAborted()
    if (this.#free > 0) this.#free--
    else await this.#wait(signal)
    return () => this.#leave()
  }

  #leave(): void {
    const [next] = this.#waiting
    if (next === undefined) this.#free++
    else next()
  }

  #wait(signal: AbortSignal | undefined): Promise<void> {
    const { what, queueMax, waitMs, placesMax, clock } = this.#options
    if (this.#waiting.size >= queueMax) {
      return Promise.reject(
        new LimitExceededError(`${this.#waiting.size} ${what} wait, which is the queueMax. Send less, or make them shorter.`, {
          retryAfterMs: 100,
        }),
      )
    }
    return new Promise((resolve, reject) => {
      const leave = (timer: Timer) => {
        timer.cancel()
        this.#waiting.delete(take)
        signal?.removeEventListener('abort', onAbort)
      }
      const take = () => {
        leave(timer)
        resolve()
      }
      const onAbort = () => {
        leave(timer)
        reject(signal?.reason)
      }
      const timer = clock.timer(waitMs, () => {
        leave(timer)
        reject(
          new LimitExceededError(
            `None of ${placesMax} ${what} ended within ${waitMs} ms, so that another could begin. Make them shorter, or allow more.`,
            { retryAfterMs: waitMs },
          ),
        )
      })
      this.#waiting.add(take)
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }
}
