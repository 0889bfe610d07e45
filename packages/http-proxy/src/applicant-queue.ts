import { LimitExceededError, TimeoutError } from 'seaworthy/core'
import type { HttpProxyLimits } from './limits.ts'
import type { TimerWheel, WheelTimer } from './timer-wheel.ts'
import type { UpstreamLink } from './upstream-link.ts'

/** Somebody who needs a link. */
export interface Applicant {
  onLink(link: UpstreamLink): void
  onNoLink(error: Error): void
}

export interface ApplicantQueueOptions {
  /** Of the upstream. */
  readonly name: string
  /** What is scarce, for errors: `512 connections`. */
  readonly places: string
  readonly limits: HttpProxyLimits
  readonly wheel: TimerWheel
}

/** Those who wait for a link to one upstream, first come, first served: so many, and so long, at most. */
export class ApplicantQueue {
  readonly #options: ApplicantQueueOptions
  readonly #waiting = new Map<Applicant, WheelTimer>()

  constructor(options: ApplicantQueueOptions) {
    this.#options = options
  }

  get isFull(): boolean {
    return this.#waiting.size >= this.#options.limits.queueMax
  }

  add(applicant: Applicant): void {
    const { name, places, limits, wheel } = this.#options
    const { queueMax, queueTimeoutMs } = limits
    if (this.isFull) {
      applicant.onNoLink(
        new LimitExceededError(`All ${places} to ${name} are busy, and ${queueMax} requests queue (queueMax).`, { retryAfterMs: 1_000 }),
      )
      return
    }
    const timer = wheel.timer(() => {
      this.withdraw(applicant)
      applicant.onNoLink(
        new TimeoutError(`None of ${places} to ${name} became free within ${queueTimeoutMs} ms.`, queueTimeoutMs, { executed: 'no' }),
      )
    })
    timer.set(queueTimeoutMs)
    this.#waiting.set(applicant, timer)
  }

  withdraw(applicant: Applicant): void {
    this.#waiting.get(applicant)?.release()
    this.#waiting.delete(applicant)
  }

  /** Takes out the one that has waited longest. */
  next(): Applicant | undefined {
    const [next] = this.#waiting.keys()
    if (next !== undefined) this.withdraw(next)
    return next
  }
}
