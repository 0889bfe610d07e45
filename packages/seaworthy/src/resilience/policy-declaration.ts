import { type Backoff, ConfigurationError } from 'seaworthy/core'

/**
 * A policy as data: JSON that a page can show and that can be compiled for another runtime. Every part is optional.
 * The order is fixed, from the outside in: total timeout, retry, circuit breaker, bulkhead, attempt timeout.
 */
export interface PolicyDeclaration {
  /** The calls may be repeated whatever became of the last one: reads, and writes that set rather than add. Default false. */
  readonly idempotent?: boolean
  readonly timeout?: TimeoutDeclaration
  readonly retry?: RetryDeclaration
  readonly circuitBreaker?: CircuitBreakerDeclaration
  readonly bulkhead?: BulkheadDeclaration
}

export interface TimeoutDeclaration {
  /** How long one attempt may take once it has its place in the bulkhead, in milliseconds. */
  readonly attemptMs?: number
  /** How long the whole call may take, waiting and retries included, in milliseconds. The context's deadline wins if it is earlier. */
  readonly totalMs?: number
}

export interface RetryDeclaration {
  /** Attempts in all, the first included. */
  readonly attemptsMax: number
  readonly backoff: Backoff
  readonly budget?: RetryBudgetDeclaration
  /** The longest wait between two attempts; an error that asks for a longer one (`retryAfterMs`) ends the call. Default 30,000 ms. */
  readonly waitMaxMs?: number
}

export interface RetryBudgetDeclaration {
  /** Retries allowed per call: 0.2 adds at most a fifth to the load on a receiver that is down. */
  readonly ratio: number
  /** Retries a second that are allowed however few calls there are. Default 1. */
  readonly minPerSecond?: number
  /** The most that can be saved up, and what a new policy starts with. Default 50. */
  readonly tokensMax?: number
}

export type CircuitBreakerDeclaration = CircuitBreakerTrip & {
  /** How long it stays open before it lets probes through, in milliseconds. */
  readonly openMs: number
  /** How many probes a half-open breaker lets through; all must succeed to close it, one failure opens it again. Default 1. */
  readonly probesMax?: number
  /** A probe without a result for this long loses its place to another. Default 30,000 ms. */
  readonly probeLeaseMs?: number
}

/** What opens a closed breaker. */
export type CircuitBreakerTrip =
  | { readonly consecutiveFailures: number }
  | {
      /** Opens when this share of the calls in the window failed, between 0 and 1. */
      readonly failureRate: number
      readonly window: CountWindowDeclaration
      /** Fewer calls than this in the window open nothing. Default 10, or the window's size if that is smaller. */
      readonly minimumCalls?: number
    }

export interface CountWindowDeclaration {
  readonly kind: 'count'
  readonly callsMax: number
}

export interface BulkheadDeclaration {
  /** How many calls may run at once. A call that timed out and still runs counts. */
  readonly concurrencyMax: number
  /** How many more may wait for a place, first come, first served. Default 0. */
  readonly queueMax?: number
}

/** The last `callsMax` calls. */
export function countWindow(callsMax: number): CountWindowDeclaration {
  return { kind: 'count', callsMax }
}

export const PROBES_MAX = 1
export const PROBE_LEASE_MS = 30_000
export const MINIMUM_CALLS = 10
export const WAIT_MAX_MS = 30_000
export const BUDGET_MIN_PER_SECOND = 1
export const BUDGET_TOKENS_MAX = 50

/** @throws ConfigurationError naming every setting that does not make sense */
export function checkPolicy(name: string, declaration: PolicyDeclaration): void {
  const problems: string[] = []
  const check = (setting: string, value: number | undefined, sort: Sort) => {
    if (value !== undefined && !SORTS[sort](value)) problems.push(`${setting} is ${value}, but must be ${sort}`)
  }
  const { timeout, retry, circuitBreaker, bulkhead } = declaration
  check('timeout.attemptMs', timeout?.attemptMs, 'a positive number')
  check('timeout.totalMs', timeout?.totalMs, 'a positive number')
  if (retry !== undefined) {
    check('retry.attemptsMax', retry.attemptsMax, 'a positive integer')
    check('retry.waitMaxMs', retry.waitMaxMs, 'a number from 0')
    check('retry.budget.ratio', retry.budget?.ratio, 'a number from 0')
    check('retry.budget.minPerSecond', retry.budget?.minPerSecond, 'a number from 0')
    check('retry.budget.tokensMax', retry.budget?.tokensMax, 'a positive number')
    if (retry.backoff.kind === 'constant') check('retry.backoff.delayMs', retry.backoff.delayMs, 'a number from 0')
    else {
      check('retry.backoff.baseMs', retry.backoff.baseMs, 'a positive number')
      check('retry.backoff.maxMs', retry.backoff.maxMs, 'a number from 0')
      check('retry.backoff.factor', retry.backoff.factor, 'a positive number')
    }
  }
  if (circuitBreaker !== undefined) {
    check('circuitBreaker.openMs', circuitBreaker.openMs, 'a positive number')
    check('circuitBreaker.probesMax', circuitBreaker.probesMax, 'a positive integer')
    check('circuitBreaker.probeLeaseMs', circuitBreaker.probeLeaseMs, 'a positive number')
    if ('consecutiveFailures' in circuitBreaker) {
      check('circuitBreaker.consecutiveFailures', circuitBreaker.consecutiveFailures, 'a positive integer')
    } else {
      check('circuitBreaker.failureRate', circuitBreaker.failureRate, 'above 0 and at most 1')
      check('circuitBreaker.window.callsMax', circuitBreaker.window.callsMax, 'a positive integer')
      check('circuitBreaker.minimumCalls', circuitBreaker.minimumCalls, 'a positive integer')
      if ((circuitBreaker.minimumCalls ?? 0) > circuitBreaker.window.callsMax)
        problems.push('circuitBreaker.minimumCalls is more than the window holds, so that it would never open')
    }
  }
  check('bulkhead.concurrencyMax', bulkhead?.concurrencyMax, 'a positive integer')
  check('bulkhead.queueMax', bulkhead?.queueMax, 'an integer from 0')
  if (problems.length > 0) throw new ConfigurationError(`Policy ${name} does not make sense: ${problems.join('; ')}.`)
}

type Sort = keyof typeof SORTS

const SORTS = {
  'a positive number': (value: number) => Number.isFinite(value) && value > 0,
  'a number from 0': (value: number) => Number.isFinite(value) && value >= 0,
  'a positive integer': (value: number) => Number.isSafeInteger(value) && value > 0,
  'an integer from 0': (value: number) => Number.isSafeInteger(value) && value >= 0,
  'above 0 and at most 1': (value: number) => value > 0 && value <= 1,
} as const
