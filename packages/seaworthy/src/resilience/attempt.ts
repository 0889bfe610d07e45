import { type CallContext, sleep } from 'seaworthy/core'
import { type AttemptFields, attemptContext, outerContext } from './attempt-context.ts'
import type { Bulkhead } from './bulkhead.ts'
import { isOutOfTime, type Outcome, type Permit } from './circuit-breaker.ts'
import type { Due } from './deadline-queue.ts'
import type { FusedPolicy } from './fused-policy.ts'

/** What is known of a call once its first attempt waited for a place or failed. */
export interface AttemptHistory {
  /** Of the attempt that it belongs to; 1 is the first. */
  readonly number: number
  /** The wait before it. */
  readonly delayMs: number
  /** An earlier attempt may have been executed. */
  readonly mayHaveRun: boolean
  /** Of the whole call, on the monotonic clock. */
  readonly deadlineMs: number
}

/** How an attempt can be cut short, and was: made only for one whose caller can abort it, or whose body asked for its signal. */
interface Cancellation {
  controller?: AbortController
  reason?: unknown
  wasCut: boolean
  onAbort?: () => void
}

/**
 * One attempt of a call. It is waited for until its deadline or until the caller aborts, whatever the body does; what the
 * body answers later is dropped. Its place in the bulkhead is given up when the body has ended, because until then it works.
 *
 * All that an attempt needs is in this one object and two callbacks: an asynchronous function around the body would cost
 * as much again, and could not be answered for before the body has ended.
 */
export class Attempt<T> implements Due, AttemptFields {
  context: CallContext | undefined
  startedMs: number
  dueMs: number
  queueIndex = -1
  readonly #policy: FusedPolicy
  readonly #body: (call: CallContext) => Promise<T>
  readonly #resolve: (value: T) => void
  readonly #reject: (reason: unknown) => void
  #history: AttemptHistory | undefined
  #permit: Permit | undefined = undefined
  #place: Bulkhead | undefined = undefined
  #cancellation: Cancellation | undefined = undefined
  #isOpen = true

  constructor(
    policy: FusedPolicy,
    body: (call: CallContext) => Promise<T>,
    context: CallContext | undefined,
    history: AttemptHistory | undefined,
    resolve: (value: T) => void,
    reject: (reason: unknown) => void,
  ) {
    const nowMs = policy.clock.monotonicMs()
    this.context = context
    this.startedMs = nowMs
    this.dueMs = Math.min(nowMs + policy.attemptMs, history?.deadlineMs ?? policy.callDeadlineMs(context, nowMs))
    this.#policy = policy
    this.#body = body
    this.#resolve = resolve
    this.#reject = reject
    this.#history = history
  }

  get retriedByCaller(): boolean {
    return this.#policy.repeats(this.context)
  }

  get deadlineMs(): number | undefined {
    return this.dueMs === Number.POSITIVE_INFINITY ? undefined : this.dueMs
  }

  get signal(): AbortSignal | undefined {
    // Without a limit of its own, the caller's abort is the only thing that can cut it short.
    if (this.dueMs === Number.POSITIVE_INFINITY) return this.context?.signal
    const cancellation = (this.#cancellation ??= { wasCut: false })
    if (cancellation.controller === undefined) {
      cancellation.controller = new AbortController()
      if (cancellation.wasCut) cancellation.controller.abort(cancellation.reason)
    }
    return cancellation.controller.signal
  }

  /** Asks for admission and calls the body, now or when its turn has come. */
  start(): void {
    const policy = this.#policy
    // A deadline that is no number is no time either: among the deadlines it would keep all others from being seen.
    if (this.context?.signal?.aborted === true || !(this.startedMs < this.dueMs)) {
      this.#fail(policy.obstacle(this.context), 'ignored')
      return
    }
    if (this.#history === undefined) policy.budget?.deposit()
    const { breaker } = policy
    if (breaker !== undefined && (this.#permit = breaker.admit()) === undefined) {
      this.#fail(breaker.rejection(), 'ignored')
      return
    }
    const { bulkhead } = policy
    if (bulkhead !== undefined && !bulkhead.tryEnter()) void this.#queue(bulkhead)
    else this.#call(bulkhead)
  }

  /** Time is up. */
  expire(): void {
    this.#cut(this.#policy.timeoutError(this), undefined)
  }

  async #queue(bulkhead: Bulkhead): Promise<void> {
    const policy = this.#policy
    const deadlineMs = this.#callDeadlineMs()
    this.#history ??= { number: 1, delayMs: 0, mayHaveRun: false, deadlineMs }
    try {
      await bulkhead.enter(deadlineMs, this.context?.signal)
      this.#permit = policy.readmit(bulkhead, this.#permit, this.context, deadlineMs)
    } catch (error) {
      // Nothing was sent: a full bulkhead, or an abort in its queue, tells nothing about the receiver.
      this.#fail(error, 'ignored')
      return
    }
    this.startedMs = policy.clock.monotonicMs()
    this.dueMs = Math.min(this.startedMs + policy.attemptMs, deadlineMs)
    this.#call(bulkhead)
  }

  #call(place: Bulkhead | undefined): void {
    this.#place = place
    if (this.dueMs !== Number.POSITIVE_INFINITY) this.#policy.deadlines.add(this, this.startedMs)
    const signal = this.context?.signal
    if (signal !== undefined) this.#listen(signal)
    let running: Promise<T>
    try {
      running = Promise.resolve(this.#body(attemptContext(this)))
    } catch (error) {
      running = Promise.reject(error)
    }
    running.then(
      (value) => this.#onValue(value),
      (error: unknown) => this.#onError(error),
    )
  }

  #onValue(value: T): void {
    this.#place?.leave()
    if (!this.#close()) return
    this.#policy.succeeded(this.#permit, this.startedMs)
    this.#resolve(value)
  }

  #onError(error: unknown): void {
    this.#place?.leave()
    if (this.#close()) this.#fail(error, undefined)
  }

  #listen(signal: AbortSignal): void {
    // A caller who leaves for want of time has waited for the receiver: that tells as much of it as a limit of this policy.
    const onAbort = () => this.#cut(signal.reason, isOutOfTime(signal.reason) ? undefined : 'ignored')
    this.#cancellation = { wasCut: false, onAbort }
    signal.addEventListener('abort', onAbort, { once: true })
  }

  #cut(reason: unknown, outcome: Outcome | undefined): void {
    if (!this.#close()) return
    const cancellation = (this.#cancellation ??= { wasCut: false })
    cancellation.wasCut = true
    cancellation.reason = reason
    this.#fail(reason, outcome)
    cancellation.controller?.abort(reason)
  }

  /** @returns false when it was closed before: the caller has an answer, or another attempt is being made */
  #close(): boolean {
    if (!this.#isOpen) return false
    this.#isOpen = false
    if (this.queueIndex !== -1) this.#policy.deadlines.remove(this)
    const onAbort = this.#cancellation?.onAbort
    if (onAbort !== undefined) this.context?.signal?.removeEventListener('abort', onAbort)
    return true
  }

  /** Ends the call, or makes the next attempt. Without an outcome the error tells it. */
  #fail(error: unknown, outcome: Outcome | undefined): void {
    const policy = this.#policy
    if (this.#permit !== undefined) policy.breaker?.settle(this.#permit, outcome ?? policy.outcomeOf(error), this.startedMs)
    const next = policy.historyAfter(error, this.#history, this.context, this.#callDeadlineMs())
    if (next === undefined) {
      this.#reject(policy.failed(error, this.#history))
      return
    }
    void this.#tryAgain(next)
  }

  async #tryAgain(next: AttemptHistory): Promise<void> {
    const policy = this.#policy
    // All attempts of a call share its correlation id, also one that was made up for the first.
    const context = outerContext(this)
    try {
      await sleep(policy.clock, next.delayMs, context.signal)
    } catch (reason) {
      this.#reject(policy.failed(reason, undefined))
      return
    }
    new Attempt(policy, this.#body, context, next, this.#resolve, this.#reject).start()
  }

  /** The first attempt began when the call began, so that it is kept only once it waited or failed. */
  #callDeadlineMs(): number {
    return this.#history?.deadlineMs ?? this.#policy.callDeadlineMs(this.context, this.startedMs)
  }
}
