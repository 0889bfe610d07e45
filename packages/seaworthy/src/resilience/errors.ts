import { SeaworthyError } from 'seaworthy/core'

/** The circuit breaker let nothing through: the call was not made. Wait `retryAfterMs` rather than asking again at once. */
export class BrokenCircuitError extends SeaworthyError {
  readonly policy: string
  readonly state: 'open' | 'half-open'

  constructor(policy: string, state: 'open' | 'half-open', why: string, retryAfterMs: number) {
    super(
      'broken-circuit',
      `Circuit breaker ${policy} is ${state}: ${why}. Nothing was sent; try again in ${Math.ceil(retryAfterMs)} ms.`,
      {
        executed: 'no',
        retryAfterMs,
      },
    )
    this.policy = policy
    this.state = state
  }
}

/** As many calls as the bulkhead allows are running, and as many as it allows are waiting: the call was not made. */
export class BulkheadFullError extends SeaworthyError {
  readonly policy: string

  constructor(policy: string, concurrencyMax: number, queueMax: number) {
    super(
      'bulkhead-full',
      `Bulkhead ${policy} is full: ${concurrencyMax} calls are running (concurrencyMax) and ${queueMax} are waiting (queueMax). ` +
        'Nothing was sent; shed the work, or raise the limit if the receiver can take more.',
      { executed: 'no' },
    )
    this.policy = policy
  }
}
