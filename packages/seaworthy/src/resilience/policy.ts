import {
  type CallContext,
  type Clock,
  contextOrRoot,
  executedOf,
  isFinal,
  type Random,
  sleep,
  systemClock,
  systemRandom,
  TimeoutError,
  UnknownOutcomeError,
} from 'seaworthy/core'
import { Bulkhead, type BulkheadSnapshot } from './bulkhead.ts'
import { CircuitBreaker, type CircuitBreakerSnapshot, outcomeOf, type Permit } from './circuit-breaker.ts'
import { publish } from './events.ts'
import { checkPolicy, type PolicyDeclaration, WAIT_MAX_MS } from './policy-declaration.ts'
import { decideRetry } from './retry.ts'
import { RetryBudget, type RetryBudgetSnapshot } from './retry-budget.ts'
import { callWithin, type TimeLimit } from './timeout.ts'

export interface PolicyOptions {
  /** Names the receiver in errors, events and on pages: `inventory`. */
  readonly name: string
  readonly clock?: Clock
  readonly random?: Random
}

/** Guards the calls to one receiver. Its state (breaker, places, budget) is shared by all calls that run through it. */
export interface Policy {
  readonly name: string
  readonly declaration: PolicyDeclaration
  /**
   * Makes a call. The body may be called several times, each time with the context of that attempt: the nearer
   * deadline, and a signal that tells it to stop. Hand both on. Without `context` the current one counts.
   * @throws what the last attempt threw; TimeoutError; BrokenCircuitError; BulkheadFullError; the reason of an abort
   */
  run<T>(body: (call: CallContext) => Promise<T>, context?: CallContext): Promise<T>
  snapshot(): PolicySnapshot
}

/** For display: where a policy stands now, and its counters since it was made. */
export interface PolicySnapshot {
  readonly name: string
  /** Calls begun and how they ended; an attempt that timed out and was retried counts under `retries`. */
  readonly calls: number
  readonly succeeded: number
  readonly failed: number
  readonly retries: number
  /** Attempts given up because time ran out. */
  readonly timedOut: number
  readonly circuitBreaker?: CircuitBreakerSnapshot
  readonly bulkhead?: BulkheadSnapshot
  readonly retryBudget?: RetryBudgetSnapshot
}

/**
 * Fuses the declared parts into one. From the outside in: total timeout, retry, circuit breaker, bulkhead, attempt
 * timeout. So the breaker sees every attempt, and nobody holds a place in the bulkhead while backing off.
 * @throws ConfigurationError naming what does not make sense
 */
export function policy(declaration: PolicyDeclaration, options: PolicyOptions): Policy {
  checkPolicy(options.name, declaration)
  return new FusedPolicy(declaration, options)
}

class FusedPolicy implements Policy {
  readonly name: string
  readonly declaration: PolicyDeclaration
  readonly #clock: Clock
  readonly #random: Random
  readonly #totalMs: number
  readonly #attemptMs: number
  readonly #breaker: CircuitBreaker | undefined
  readonly #bulkhead: Bulkhead | undefined
  readonly #budget: RetryBudget | undefined
  #calls = 0
  #succeeded = 0
  #failed = 0
  #retries = 0
  #timedOut = 0

  constructor(declaration: PolicyDeclaration, options: PolicyOptions) {
    const { name, clock = systemClock, random = systemRandom } = options
    const { timeout, retry, circuitBreaker, bulkhead } = declaration
    this.name = name
    this.declaration = declaration
    this.#clock = clock
    this.#random = random
    this.#totalMs = timeout?.totalMs ?? Number.POSITIVE_INFINITY
    this.#attemptMs = timeout?.attemptMs ?? Number.POSITIVE_INFINITY
    this.#breaker = circuitBreaker && new CircuitBreaker(circuitBreaker, name, clock)
    this.#bulkhead = bulkhead && new Bulkhead(bulkhead, name, clock)
    this.#budget = retry?.budget && new RetryBudget(retry.budget, clock)
  }

  async run<T>(body: (call: CallContext) => Promise<T>, context: CallContext = contextOrRoot()): Promise<T> {
    this.#calls++
    this.#budget?.deposit()
    const deadlineMs = Math.min(context.deadlineMs ?? Number.POSITIVE_INFINITY, this.#clock.monotonicMs() + this.#totalMs)
    let mayHaveRun = false
    try {
      for (let attempt = 1; ; attempt++) {
        try {
          const value = await this.#attempt(body, context, deadlineMs)
          this.#succeeded++
          return value
        } catch (error) {
          const delayMs = this.#delayBeforeRetry(error, attempt, context, deadlineMs)
          if (delayMs === undefined) throw mayHaveRun ? this.#ofAllAttempts(error) : error
          mayHaveRun ||= executedOf(error) !== 'no'
          await sleep(this.#clock, delayMs, context.signal)
        }
      }
    } catch (error) {
      this.#failed++
      throw error
    }
  }

  snapshot(): PolicySnapshot {
    return {
      name: this.name,
      calls: this.#calls,
      succeeded: this.#succeeded,
      failed: this.#failed,
      retries: this.#retries,
      timedOut: this.#timedOut,
      ...(this.#breaker && { circuitBreaker: this.#breaker.snapshot() }),
      ...(this.#bulkhead && { bulkhead: this.#bulkhead.snapshot() }),
      ...(this.#budget && { retryBudget: this.#budget.snapshot() }),
    }
  }

  #attempt<T>(body: (call: CallContext) => Promise<T>, context: CallContext, deadlineMs: number): Promise<T> {
    if (context.signal?.aborted) throw context.signal.reason
    if (deadlineMs <= this.#clock.monotonicMs()) {
      throw new TimeoutError(`The deadline passed before ${this.name} was called. Nothing was sent.`, 0, { executed: 'no' })
    }
    const permit = this.#breaker?.admit()
    return this.#bulkhead === undefined || this.#bulkhead.tryEnter()
      ? this.#call(body, context, deadlineMs, permit)
      : this.#queued(this.#bulkhead, body, context, deadlineMs, permit)
  }

  async #queued<T>(
    bulkhead: Bulkhead,
    body: (call: CallContext) => Promise<T>,
    context: CallContext,
    deadlineMs: number,
    admission: Permit | undefined,
  ): Promise<T> {
    let permit = admission
    try {
      await bulkhead.enter(deadlineMs, context.signal)
    } catch (error) {
      if (permit !== undefined) this.#breaker?.settle(permit, 'ignored')
      throw error
    }
    try {
      if (context.signal?.aborted) throw context.signal.reason
      // The receiver may have failed while this call waited: ask the breaker again rather than send one more into an open circuit.
      if (permit !== undefined && this.#breaker?.holds(permit) === false) permit = this.#breaker.admit()
    } catch (error) {
      if (permit !== undefined) this.#breaker?.settle(permit, 'ignored')
      bulkhead.leave()
      throw error
    }
    return this.#call(body, context, deadlineMs, permit)
  }

  /** Runs the body, with its place and its permit; gives the place up when the body has ended, and the permit when the caller has its answer. */
  #call<T>(body: (call: CallContext) => Promise<T>, context: CallContext, deadlineMs: number, permit: Permit | undefined): Promise<T> {
    return callWithin(body, context, this.#limit(context, deadlineMs), this.#clock, {
      answered: (by, error) => {
        if (by === 'timeout') this.#timedOut++
        if (permit === undefined) return
        const outcome = by === 'value' ? 'success' : by === 'abort' ? 'ignored' : outcomeOf(error)
        this.#breaker?.settle(permit, outcome)
      },
      ended: () => this.#bulkhead?.leave(),
    })
  }

  #limit(context: CallContext, deadlineMs: number): TimeLimit {
    const now = this.#clock.monotonicMs()
    const remainingMs = deadlineMs - now
    const [timeoutMs, setting] =
      this.#attemptMs < remainingMs
        ? [this.#attemptMs, 'timeout.attemptMs']
        : [remainingMs, context.deadlineMs === deadlineMs ? "the caller's deadline" : 'the rest of timeout.totalMs']
    return {
      deadlineMs: now + timeoutMs,
      reason: () => {
        publish(() => ({ type: 'call-timed-out', policy: this.name, timeoutMs }))
        return new TimeoutError(
          `${this.name} gave no answer within ${Math.round(timeoutMs)} ms (${setting}). The request may have been executed: ` +
            'ask again only if that does no harm.',
          timeoutMs,
        )
      },
    }
  }

  /**
   * The last error, after an earlier attempt that may have been executed: that the last one surely was not does not
   * settle the call. A final answer does, because the receiver has looked at a repetition that it can tell.
   */
  #ofAllAttempts(error: unknown): unknown {
    if (executedOf(error) !== 'no' || isFinal(error)) return error
    const message = error instanceof Error ? error.message : String(error)
    return new UnknownOutcomeError(
      `${this.name} may have executed an earlier attempt of this call. The last one failed: ${message} Ask again under the same key.`,
      { cause: error },
    )
  }

  /** @returns undefined when there is to be no other attempt */
  #delayBeforeRetry(error: unknown, attempt: number, context: CallContext, deadlineMs: number): number | undefined {
    const { retry, idempotent } = this.declaration
    if (retry === undefined || context.signal?.aborted) return undefined
    const decision = decideRetry(
      { attemptsMax: retry.attemptsMax, backoff: retry.backoff, waitMaxMs: retry.waitMaxMs ?? WAIT_MAX_MS },
      {
        error,
        attempt,
        repeatable: idempotent === true || context.idempotencyKey !== undefined,
        remainingMs: deadlineMs - this.#clock.monotonicMs(),
      },
      this.#random,
    )
    if (decision.kind === 'give-up') {
      if (decision.why === 'deadline') publish(() => ({ type: 'retry-abandoned', policy: this.name, attempt, why: 'deadline' }))
      return undefined
    }
    if (this.#budget?.tryTake() === false) {
      publish(() => ({ type: 'retry-abandoned', policy: this.name, attempt, why: 'budget' }))
      return undefined
    }
    this.#retries++
    publish(() => ({ type: 'retry-scheduled', policy: this.name, attempt: attempt + 1, delayMs: decision.delayMs, error }))
    return decision.delayMs
  }
}
