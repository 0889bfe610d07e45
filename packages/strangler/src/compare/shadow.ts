import { type Clock, type Random, rootContext, systemClock, systemRandom } from 'seaworthy/core'
import { rateLimiter } from 'seaworthy/resilience'
import type { ReceivedAnswer } from './answer.ts'
import { Comparator, type ComparatorRules } from './comparator.ts'
import type { ComparisonReport } from './endpoint-record.ts'
import type { Ask, SafeRequest } from './safe-request.ts'

export interface ShadowLimits {
  /** Requests that are compared at one time. */
  readonly concurrencyMax: number
  /** Requests that wait for it. More are dropped, and counted. */
  readonly queueMax: number
  /** Requests that are compared in a second, on average. More are dropped. */
  readonly perSecondMax: number
  /** How often the monolith is asked once more, by three requests at most, in a second. What needs more waits for another request, or is not confirmed. */
  readonly replaysPerSecondMax: number
  /** Until an answer is there whole. */
  readonly timeoutMs: number
  /** Longer bodies are not kept: status and headers alone are compared. */
  readonly bodyBytesMax: number
}

export const defaultShadowLimits: ShadowLimits = {
  concurrencyMax: 8,
  queueMax: 256,
  perSecondMax: 100,
  replaysPerSecondMax: 10,
  timeoutMs: 5_000,
  bodyBytesMax: 262_144,
}

/** A client's request and the monolith's answer to it. */
export interface ShadowedRequest {
  readonly request: SafeRequest
  /** Undefined where the client's answer is none to this request: the monolith is asked. */
  readonly answer: ReceivedAnswer | undefined
}

export interface ShadowCounts {
  readonly offered: number
  /** There was no place in the queue. */
  readonly droppedQueueFull: number
  /** There were more in a second than are compared. */
  readonly droppedRate: number
  /** Requests that were not judged: as a rule because the monolith gave the comparison no answer. */
  readonly failed: number
  readonly lastFailure: string | undefined
  readonly waiting: number
  readonly running: number
}

export interface ShadowReport extends ComparisonReport {
  readonly counts: ShadowCounts
}

export interface ShadowOptions {
  readonly monolith: Ask
  readonly service: Ask
  readonly rules?: ComparatorRules
  readonly limits?: Partial<ShadowLimits>
  readonly clock?: Clock
  readonly random?: Random
}

/** Compares offered requests behind the back of the clients: so many at a time, so many a second, and none that would have to wait long. */
export class Shadow {
  readonly #comparator: Comparator
  readonly #limits: ShadowLimits
  readonly #rate: ReturnType<typeof rateLimiter>
  readonly #stopping = new AbortController()
  readonly #waiting: { readonly shadowed: ShadowedRequest; readonly onDone: () => void }[] = []
  #running = 0
  #offered = 0
  #droppedQueueFull = 0
  #droppedRate = 0
  #failed = 0
  #lastFailure: string | undefined

  constructor({ monolith, service, rules, limits, clock = systemClock, random = systemRandom }: ShadowOptions) {
    this.#limits = { ...defaultShadowLimits, ...limits }
    const { perSecondMax, replaysPerSecondMax } = this.#limits
    this.#rate = rateLimiter({ kind: 'token-bucket', perSecond: perSecondMax, burst: Math.ceil(perSecondMax) }, { name: 'shadow', clock })
    const replays = rateLimiter(
      { kind: 'token-bucket', perSecond: replaysPerSecondMax, burst: Math.ceil(replaysPerSecondMax) },
      { name: 'replays', clock },
    )
    this.#comparator = new Comparator({ ...rules, monolith, service, clock, random, mayAskMonolith: () => isAdmitted(replays) })
  }

  /** Takes a request, or drops it. `onDone` is called when it is of no more concern, in either case. Never throws. */
  offer(shadowed: ShadowedRequest, onDone: () => void = () => {}): void {
    this.#offered++
    if (this.#stopping.signal.aborted || this.#waiting.length >= this.#limits.queueMax) {
      this.#droppedQueueFull++
      onDone()
      return
    }
    this.#waiting.push({ shadowed, onDone })
    if (this.#running < this.#limits.concurrencyMax) void this.#work()
  }

  report(): ShadowReport {
    const counts: ShadowCounts = {
      offered: this.#offered,
      droppedQueueFull: this.#droppedQueueFull,
      droppedRate: this.#droppedRate,
      failed: this.#failed,
      lastFailure: this.#lastFailure,
      waiting: this.#waiting.length,
      running: this.#running,
    }
    return { ...this.#comparator.report(), counts }
  }

  /** Ends what is under way, and takes nothing more. */
  stop(): void {
    this.#stopping.abort(new Error('The shadow was stopped.'))
    for (const { onDone } of this.#waiting.splice(0)) onDone()
  }

  /** One of the workers: takes one request after the other until none waits. */
  async #work(): Promise<void> {
    this.#running++
    try {
      for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
        await this.#compare(next.shadowed)
        next.onDone()
      }
    } finally {
      this.#running--
    }
  }

  async #compare({ request, answer }: ShadowedRequest): Promise<void> {
    if (!(await isAdmitted(this.#rate))) {
      this.#droppedRate++
      return
    }
    try {
      await this.#comparator.judge(request, answer, this.#stopping.signal)
    } catch (error) {
      if (this.#stopping.signal.aborted) return
      this.#failed++
      this.#lastFailure = error instanceof Error ? error.message : String(error)
    }
  }
}

const isAdmitted = (limiter: ReturnType<typeof rateLimiter>): Promise<boolean> =>
  limiter.run(async () => true, rootContext()).catch(() => false)
