import {
  type CallContext,
  type Clock,
  ConfigurationError,
  currentContext,
  executedOf,
  isFinal,
  noTimeLeft,
  type Random,
  systemClock,
  systemRandom,
  TimeoutError,
  UnknownOutcomeError,
} from 'seaworthy/core'
import { Attempt, type AttemptHistory } from './attempt.ts'
import { attemptContext, UnlimitedFields } from './attempt-context.ts'
import { Bulkhead } from './bulkhead.ts'
import { checkPolicy } from './check-policy.ts'
import { CircuitBreaker, guardedOutcomeOf, type Outcome, outcomeOf, type Permit } from './circuit-breaker.ts'
import { keepSettlers, rejectedSoon, settlers } from './deferred.ts'
import { DeadlineQueue } from './deadline-queue.ts'
import { publish } from './events.ts'
import type { Policy, PolicyOptions, PolicySnapshot, SavedPolicy } from './policy.ts'
import { type PolicyDeclaration, WAIT_MAX_MS } from './policy-declaration.ts'
import { decideRetry } from './retry.ts'
import { RetryBudget } from './retry-budget.ts'

// A plain call looks at no clock. Should the policy be reconfigured meanwhile, no duration is made of it: every comparison is false.
const NO_TIME = Number.NaN

/**
 * Total timeout, retry, circuit breaker, bulkhead and attempt timeout in one. A call runs through {@link FusedPolicy.run};
 * all else decides, counts or describes.
 */
export class FusedPolicy implements Policy {
  readonly name: string
  declaration: PolicyDeclaration = {}
  readonly clock: Clock
  readonly #random: Random
  readonly outcomeOf: (error: unknown) => Outcome
  #deadlines: DeadlineQueue | undefined
  #totalMs = Number.POSITIVE_INFINITY
  attemptMs = Number.POSITIVE_INFINITY
  #isPlain = true
  breaker: CircuitBreaker | undefined
  bulkhead: Bulkhead | undefined
  budget: RetryBudget | undefined
  #calls = 0
  #succeeded = 0
  #failed = 0
  #retries = 0
  #timedOut = 0

  constructor(declaration: PolicyDeclaration, options: PolicyOptions) {
    this.name = options.name
    this.clock = options.clock ?? systemClock
    this.#random = options.random ?? systemRandom
    this.outcomeOf = options.outcomeOf === undefined ? outcomeOf : guardedOutcomeOf(options.outcomeOf, options.name)
    this.#configure(declaration)
    if (options.saved?.circuitBreaker !== undefined) this.breaker?.restore(options.saved.circuitBreaker)
  }

  get deadlines(): DeadlineQueue {
    return (this.#deadlines ??= new DeadlineQueue(this.clock))
  }

  /**
   * Nothing can cut a call short that has no limit of time and no signal: then one asynchronous frame is all there is around
   * the body. Else an {@link Attempt} answers for it.
   */
  run<T>(body: (call: CallContext) => Promise<T>, context: CallContext | undefined = currentContext()): Promise<T> {
    this.#calls++
    if (this.#isPlain && (context === undefined || (context.deadlineMs === undefined && context.signal === undefined))) {
      const { breaker, bulkhead } = this
      const permit = breaker?.admit()
      if (breaker !== undefined && permit === undefined) {
        this.#failed++
        return rejectedSoon(breaker.rejection())
      }
      return bulkhead === undefined || bulkhead.tryEnter()
        ? this.#runPlain(body, context, permit, bulkhead)
        : this.#queuePlain(body, context, permit, bulkhead)
    }
    const promise = new Promise<T>(keepSettlers)
    new Attempt<T>(this, body, context, undefined, settlers.resolve, settlers.reject).start()
    return promise
  }

  async #runPlain<T>(
    body: (call: CallContext) => Promise<T>,
    context: CallContext | undefined,
    permit: Permit | undefined,
    place: Bulkhead | undefined,
  ): Promise<T> {
    try {
      const value = await body(context ?? attemptContext(new UnlimitedFields()))
      this.succeeded(permit, NO_TIME)
      place?.leave()
      return value
    } catch (error) {
      this.#failed++
      if (permit !== undefined) this.breaker?.settle(permit, this.outcomeOf(error), NO_TIME)
      place?.leave()
      throw error
    }
  }

  async #queuePlain<T>(
    body: (call: CallContext) => Promise<T>,
    context: CallContext | undefined,
    permit: Permit | undefined,
    bulkhead: Bulkhead,
  ): Promise<T> {
    let current: Permit | undefined
    try {
      await bulkhead.enter(Number.POSITIVE_INFINITY, undefined)
      current = this.readmit(bulkhead, permit, context, Number.POSITIVE_INFINITY)
    } catch (error) {
      this.#failed++
      if (permit !== undefined) this.breaker?.settle(permit, 'ignored', NO_TIME)
      throw error
    }
    return this.#runPlain(body, context, current, bulkhead)
  }

  reconfigure(declaration: PolicyDeclaration): void {
    checkPolicy(this.name, declaration)
    this.#configure(declaration)
  }

  isolate(why: string): void {
    if (this.breaker === undefined) throw new ConfigurationError(`Policy ${this.name} has no circuit breaker to isolate.`)
    this.breaker.isolate(why)
  }

  release(): void {
    this.breaker?.release()
  }

  save(): SavedPolicy {
    return this.breaker === undefined ? {} : { circuitBreaker: this.breaker.save() }
  }

  snapshot(): PolicySnapshot {
    return {
      name: this.name,
      calls: this.#calls,
      succeeded: this.#succeeded,
      failed: this.#failed,
      retries: this.#retries,
      timedOut: this.#timedOut,
      ...(this.breaker && { circuitBreaker: this.breaker.snapshot() }),
      ...(this.bulkhead && { bulkhead: this.bulkhead.snapshot() }),
      ...(this.budget && { retryBudget: this.budget.snapshot() }),
    }
  }

  /** @internal */
  timeoutError(attempt: { readonly context: CallContext | undefined; readonly startedMs: number; readonly dueMs: number }): TimeoutError {
    // Worked out as the attempt did: a difference of two moments is hardly ever the duration that one was made of.
    const isAttemptLimit = attempt.startedMs + this.attemptMs === attempt.dueMs
    const timeoutMs = isAttemptLimit ? this.attemptMs : attempt.dueMs - attempt.startedMs
    const setting = isAttemptLimit
      ? 'timeout.attemptMs'
      : attempt.context?.deadlineMs === attempt.dueMs
        ? "the caller's deadline"
        : 'the rest of timeout.totalMs'
    this.#timedOut++
    publish(() => ({ type: 'call-timed-out', policy: this.name, timeoutMs }))
    return new TimeoutError(
      `${this.name} gave no answer within ${Math.round(timeoutMs)} ms (${setting}). The request may have been executed: ` +
        'ask again only if that does no harm.',
      timeoutMs,
    )
  }

  #configure(declaration: PolicyDeclaration): void {
    const { timeout, retry, circuitBreaker, bulkhead } = declaration
    this.declaration = declaration
    this.#totalMs = timeout?.totalMs ?? Number.POSITIVE_INFINITY
    this.attemptMs = timeout?.attemptMs ?? Number.POSITIVE_INFINITY
    if (circuitBreaker === undefined || this.breaker === undefined) {
      this.breaker = circuitBreaker && new CircuitBreaker(circuitBreaker, this.name, this.clock, this.#random)
    } else this.breaker.reconfigure(circuitBreaker)
    if (bulkhead === undefined || this.bulkhead === undefined) {
      this.bulkhead = bulkhead && new Bulkhead(bulkhead, this.name, this.clock)
    } else this.bulkhead.reconfigure(bulkhead)
    if (retry?.budget === undefined || this.budget === undefined) {
      this.budget = retry?.budget && new RetryBudget(retry.budget, this.clock)
    } else this.budget.reconfigure(retry.budget)
    this.#isPlain = timeout === undefined && retry === undefined && this.breaker?.usesTime !== true
  }

  /** Whether the policy makes the call again if it fails, so that nobody below needs to. */
  repeats(context: CallContext | undefined): boolean {
    return this.#attemptsMax(context) > 1 && this.#isRepeatable(context)
  }

  callDeadlineMs(context: CallContext | undefined, startedMs: number): number {
    return Math.min(context?.deadlineMs ?? Number.POSITIVE_INFINITY, startedMs + this.#totalMs)
  }

  /** Why an attempt must not be made whose caller has left, or whose time is over. */
  obstacle(context: CallContext | undefined): unknown {
    return context?.signal?.aborted === true ? context.signal.reason : noTimeLeft(context ?? {}, this.name)
  }

  /** After a wait for a place: the permit that is valid now. @throws what ends the call, and gives the place back */
  readmit(bulkhead: Bulkhead, permit: Permit | undefined, context: CallContext | undefined, deadlineMs: number): Permit | undefined {
    let error: unknown
    // The deadline too may have passed before its timer was heard: a place that came free after a stall comes first.
    if (context?.signal?.aborted === true || !(this.clock.monotonicMs() < deadlineMs)) error = this.obstacle(context)
    else {
      // The receiver may have failed while this call waited: ask the breaker again rather than send one more into an open circuit.
      if (permit === undefined || this.breaker === undefined || this.breaker.holds(permit)) return permit
      const another = this.breaker.admit()
      if (another !== undefined) return another
      error = this.breaker.rejection()
    }
    bulkhead.leave()
    throw error
  }

  succeeded(permit: Permit | undefined, startedMs: number): void {
    this.#succeeded++
    if (permit !== undefined) this.breaker?.settle(permit, 'success', startedMs)
  }

  /**
   * The error that ends the call. After an earlier attempt that may have been executed, that the last one surely was not does
   * not settle it. A final answer does, because the receiver has looked at a repetition that it can tell.
   */
  failed(error: unknown, history: AttemptHistory | undefined): unknown {
    this.#failed++
    if (history?.mayHaveRun !== true || executedOf(error) !== 'no' || isFinal(error)) return error
    const message = error instanceof Error ? error.message : String(error)
    return new UnknownOutcomeError(
      `${this.name} may have executed an earlier attempt of this call. The last one failed: ${message} Ask again under the same key.`,
      { cause: error },
    )
  }

  /** Whether there is to be another attempt, and when. */
  historyAfter(
    error: unknown,
    before: AttemptHistory | undefined,
    context: CallContext | undefined,
    deadlineMs: number,
  ): AttemptHistory | undefined {
    const { retry } = this.declaration
    if (retry === undefined || context?.signal?.aborted) return undefined
    const attempt = before?.number ?? 1
    const decision = decideRetry(
      { attemptsMax: this.#attemptsMax(context), backoff: retry.backoff, waitMaxMs: retry.waitMaxMs ?? WAIT_MAX_MS },
      {
        error,
        attempt,
        previousDelayMs: before?.delayMs,
        repeatable: this.#isRepeatable(context),
        remainingMs: deadlineMs - this.clock.monotonicMs(),
      },
      this.#random,
    )
    if (decision.kind === 'give-up') {
      if (decision.why === 'deadline') publish(() => ({ type: 'retry-abandoned', policy: this.name, attempt, why: 'deadline' }))
      return undefined
    }
    if (this.budget?.tryTake() === false) {
      publish(() => ({ type: 'retry-abandoned', policy: this.name, attempt, why: 'budget' }))
      return undefined
    }
    this.#retries++
    const { delayMs } = decision
    publish(() => ({ type: 'retry-scheduled', policy: this.name, attempt: attempt + 1, delayMs, error }))
    return { number: attempt + 1, delayMs, mayHaveRun: before?.mayHaveRun === true || executedOf(error) !== 'no', deadlineMs }
  }

  #attemptsMax(context: CallContext | undefined): number {
    return context?.retriedByCaller === true ? 1 : (this.declaration.retry?.attemptsMax ?? 1)
  }

  #isRepeatable(context: CallContext | undefined): boolean {
    return this.declaration.idempotent === true || context?.idempotencyKey !== undefined
  }
}
