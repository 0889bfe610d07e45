import {
  assertTimeLeft,
  type CallContext,
  type Clock,
  contextOrRoot,
  executedOf,
  systemClock,
  TimeoutError,
  UnavailableError,
} from 'seaworthy/core'
import { assertSensible, problemsOf, type Shape } from './declaration-shape.ts'
import { OverloadedError } from './errors.ts'
import { publish } from './events.ts'
import { GradientLimit } from './gradient-limit.ts'
import { HostPressure } from './host-pressure.ts'
import type { Guard } from './policy.ts'
import { PRIORITIES, type Priority, type PriorityOf } from './priority.ts'

export interface AdaptiveConcurrencyDeclaration {
  /** Where it begins, and the bounds that it never leaves. Defaults 20, 1 and 1,000. */
  readonly initial?: number
  readonly min?: number
  readonly max?: number
  /** How many calls wait for a place. Short: a place in a long queue is an answer that comes too late. Default 10. */
  readonly queueMax?: number
  /** A turn of the event loop that takes longer counts as a sign of overload. Default 100 ms. */
  readonly eventLoopDelayMaxMs?: number
}

export interface AdaptiveConcurrencySnapshot {
  readonly name: string
  readonly limit: number
  readonly running: number
  readonly queued: number
  readonly rejected: number
}

export interface AdaptiveConcurrency extends Guard {
  readonly name: string
  readonly declaration: AdaptiveConcurrencyDeclaration
  snapshot(): AdaptiveConcurrencySnapshot
}

const ADAPTIVE_CONCURRENCY: Shape = {
  initial: 'a positive integer?',
  min: 'a positive integer?',
  max: 'a positive integer?',
  queueMax: 'an integer from 0?',
  eventLoopDelayMaxMs: 'a positive number?',
}

interface Waiting {
  readonly admit: () => void
  readonly turnAway: (reason: unknown) => void
}

/**
 * A bulkhead that finds its own size from the latency of the calls and from the event loop's. When calls have to wait, the
 * more important go first; when the queue is full, the least important is turned away, be it one that waits already.
 * @throws ConfigurationError
 */
export function adaptiveConcurrency(
  declaration: AdaptiveConcurrencyDeclaration,
  options: { readonly name: string; readonly clock?: Clock; readonly priorityOf?: PriorityOf },
): AdaptiveConcurrency {
  const { initial = 20, min = 1, max = 1_000 } = declaration
  assertSensible(`Adaptive concurrency ${options.name}`, [
    ...problemsOf('', declaration, ADAPTIVE_CONCURRENCY),
    ...(min <= initial && initial <= max ? [] : [`min (${min}), initial (${initial}) and max (${max}) are not in order`]),
  ])
  return new AdaptiveBulkhead(declaration, options.name, options.clock ?? systemClock, options.priorityOf ?? (() => 'normal'))
}

class AdaptiveBulkhead implements AdaptiveConcurrency {
  readonly name: string
  readonly declaration: AdaptiveConcurrencyDeclaration
  readonly #clock: Clock
  readonly #priorityOf: PriorityOf
  readonly #limit: GradientLimit
  readonly #pressure: HostPressure
  readonly #waiting: Record<Priority, Set<Waiting>> = { critical: new Set(), normal: new Set(), sheddable: new Set() }
  #running = 0
  #rejected = 0

  constructor(declaration: AdaptiveConcurrencyDeclaration, name: string, clock: Clock, priorityOf: PriorityOf) {
    const { initial = 20, min = 1, max = 1_000 } = declaration
    this.name = name
    this.declaration = declaration
    this.#clock = clock
    this.#priorityOf = priorityOf
    this.#limit = new GradientLimit({ initial, min, max })
    this.#pressure = new HostPressure(clock)
  }

  async run<T>(body: (call: CallContext) => Promise<T>, context: CallContext = contextOrRoot()): Promise<T> {
    context.signal?.throwIfAborted()
    assertTimeLeft(context, this.name, this.#clock)
    if (this.#running >= this.#limit.value) await this.#wait(context)
    else this.#running++
    const startedMs = this.#clock.monotonicMs()
    try {
      // The caller may have left in the moment of its turn.
      context.signal?.throwIfAborted()
      const value = await body(context)
      if (this.#pressure.eventLoopDelayMs() > (this.declaration.eventLoopDelayMaxMs ?? 100)) this.#limit.dropped()
      else this.#limit.succeeded(this.#clock.monotonicMs() - startedMs, this.#running)
      return value
    } catch (error) {
      // Only what sounds like overload: a rejection by the business is as quick as it likes.
      if (error instanceof TimeoutError || (error instanceof UnavailableError && executedOf(error) === 'no')) this.#limit.dropped()
      throw error
    } finally {
      this.#running--
      this.#admitNext()
    }
  }

  snapshot(): AdaptiveConcurrencySnapshot {
    return {
      name: this.name,
      limit: this.#limit.value,
      running: this.#running,
      queued: this.#queued(),
      rejected: this.#rejected,
    }
  }

  /** Resolves with a place. @throws OverloadedError; TimeoutError (not executed) at the deadline; the signal's reason */
  #wait(context: CallContext): Promise<void> {
    const priority = this.#priorityOf(context)
    if (this.#queued() >= (this.declaration.queueMax ?? 10) && !this.#makeRoomFor(priority)) return Promise.reject(this.#overloaded())
    const { signal, deadlineMs } = context
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#waiting[priority].delete(entry)
        timer?.cancel()
        signal?.removeEventListener('abort', onAbort)
      }
      const turnAway = (reason: unknown) => {
        leave()
        reject(reason)
      }
      const onAbort = () => turnAway(signal?.reason)
      const onDeadline = () =>
        turnAway(
          new TimeoutError(`The deadline passed while the call waited for a place in ${this.name}. Nothing was sent.`, 0, {
            executed: 'no',
          }),
        )
      const entry: Waiting = {
        turnAway,
        admit: () => {
          leave()
          resolve()
        },
      }
      const timer = deadlineMs === undefined ? undefined : this.#clock.timer(deadlineMs - this.#clock.monotonicMs(), onDeadline)
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#waiting[priority].add(entry)
    })
  }

  #queued(): number {
    return this.#waiting.critical.size + this.#waiting.normal.size + this.#waiting.sheddable.size
  }

  /** Turns away the latest of the least important calls that wait. @returns false when none is less important */
  #makeRoomFor(priority: Priority): boolean {
    for (const lower of PRIORITIES.slice(PRIORITIES.indexOf(priority) + 1).toReversed()) {
      const last = [...this.#waiting[lower]].at(-1)
      if (last === undefined) continue
      last.turnAway(this.#overloaded())
      return true
    }
    return false
  }

  #overloaded(): OverloadedError {
    this.#rejected++
    publish(() => ({ type: 'call-rejected', policy: this.name, by: 'adaptive-concurrency' }))
    const why = `${this.#running} calls are running (the limit found is ${this.#limit.value}) and ${this.#queued()} are waiting`
    return new OverloadedError(this.name, why, 1_000)
  }

  #admitNext(): void {
    for (const priority of PRIORITIES) {
      for (const entry of this.#waiting[priority]) {
        if (this.#running >= this.#limit.value) return
        this.#running++
        entry.admit()
      }
    }
  }
}
