import { SeaworthyError } from 'seaworthy/core'

/**
 * Makes an error without stack frames. Ten frames cost ten times what the error does, and a call that was turned away is no
 * defect to be found in them: the policy's name says where it happened.
 */
export function withoutStack<E extends Error>(make: () => E): E {
  const limit = Error.stackTraceLimit
  if (!Reflect.set(Error, 'stackTraceLimit', 0)) return make()
  try {
    return make()
  } finally {
    Error.stackTraceLimit = limit
  }
}

/** What a breaker knew when it turned a call away. */
export interface BrokenCircuit {
  readonly state: 'open' | 'half-open' | 'isolated'
  readonly why: string
  /** Undefined while it is isolated: only a person knows. */
  readonly retryAfterMs: number | undefined
  /** Times it opened, and calls it turned away, this one included, since it was made. */
  readonly opened: number
  readonly rejected: number
}

/** The circuit breaker let nothing through: the call was not made. Wait `retryAfterMs` rather than asking again at once. */
export class BrokenCircuitError extends SeaworthyError {
  readonly policy: string
  readonly state: BrokenCircuit['state']
  readonly why: string
  readonly opened: number
  readonly rejected: number

  constructor(policy: string, circuit: BrokenCircuit) {
    const { state, why, retryAfterMs, opened, rejected } = circuit
    const next = retryAfterMs === undefined ? 'it stays so until somebody releases it' : `try again in ${Math.ceil(retryAfterMs)} ms`
    super('broken-circuit', `Circuit breaker ${policy} is ${state}: ${why}. Nothing was sent; ${next}.`, {
      executed: 'no',
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    })
    this.policy = policy
    this.state = state
    this.why = why
    this.opened = opened
    this.rejected = rejected
  }
}

/** What a bulkhead held when it turned a call away. */
export interface FullBulkhead {
  readonly running: number
  readonly queued: number
  readonly concurrencyMax: number
  readonly queueMax: number
}

/** As many calls as the bulkhead allows are running, and as many as it allows are waiting: the call was not made. */
export class BulkheadFullError extends SeaworthyError {
  readonly policy: string
  readonly running: number
  readonly queued: number

  constructor(policy: string, { running, queued, concurrencyMax, queueMax }: FullBulkhead) {
    super(
      'bulkhead-full',
      `Bulkhead ${policy} is full: ${running} calls are running (concurrencyMax ${concurrencyMax}) and ${queued} are waiting ` +
        `(queueMax ${queueMax}). Nothing was sent; shed the work, or raise the limit if the receiver can take more.`,
      { executed: 'no' },
    )
    this.policy = policy
    this.running = running
    this.queued = queued
  }
}

/** The rate limit is used up: the call was not made. It may be after `retryAfterMs`, if nobody else comes first. */
export class RateLimitedError extends SeaworthyError {
  readonly policy: string

  constructor(policy: string, limit: string, retryAfterMs: number) {
    super('rate-limited', `Rate limiter ${policy} allows ${limit}. Nothing was sent; try again in ${Math.ceil(retryAfterMs)} ms.`, {
      executed: 'no',
      retryAfterMs,
    })
    this.policy = policy
  }
}

/** This process has more work than it can do: the call was not made, in favour of more important ones or of those in progress. */
export class OverloadedError extends SeaworthyError {
  readonly policy: string

  constructor(policy: string, why: string, retryAfterMs: number) {
    super('overloaded', `${policy} sheds load: ${why}. Nothing was done; try again in ${Math.ceil(retryAfterMs)} ms.`, {
      executed: 'no',
      retryAfterMs,
    })
    this.policy = policy
  }
}

/** True for the refusal of a guard in this process. What a receiver refuses arrives as an UnavailableError. */
export function isRefusal(error: unknown): boolean {
  return [BrokenCircuitError, BulkheadFullError, RateLimitedError, OverloadedError].some((kind) => error instanceof kind)
}
