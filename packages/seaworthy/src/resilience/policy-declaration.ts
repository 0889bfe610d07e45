import type { Backoff } from 'seaworthy/core'

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
  /** Attempts in all, the first included. One alone is made when the caller tries again itself (`retriedByCaller` in its context). */
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
  /** Each time that a probe fails, it stays open twice as long as before, up to this. Default `openMs`: always the same. */
  readonly openMsMax?: number
  /** Stays open longer by a random part of up to this share, so that many processes do not probe at once. Default 0. */
  readonly openJitter?: number
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
      readonly window: WindowDeclaration
      /** Fewer calls than this in the window open nothing. Default 10, or the window's size if that is smaller. */
      readonly minimumCalls?: number
      readonly slowCalls?: SlowCallsDeclaration
    }

/** Calls that answer, but too late to be of use. */
export interface SlowCallsDeclaration {
  /** A call that takes longer is slow, in milliseconds. In a half-open breaker a slow probe counts as failed. */
  readonly overMs: number
  /** Opens when this share of the calls in the window was slow, between 0 and 1. */
  readonly rate: number
}

export type WindowDeclaration = CountWindowDeclaration | TimeWindowDeclaration

export interface CountWindowDeclaration {
  readonly kind: 'count'
  readonly callsMax: number
}

export interface TimeWindowDeclaration {
  readonly kind: 'time'
  readonly durationMs: number
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

/** The calls of the last `durationMs`, to a 32nd part of it. */
export function timeWindow(durationMs: number): TimeWindowDeclaration {
  return { kind: 'time', durationMs }
}

export const PROBES_MAX = 1
export const PROBE_LEASE_MS = 30_000
export const OPEN_FACTOR = 2
export const MINIMUM_CALLS = 10
export const WAIT_MAX_MS = 30_000
export const BUDGET_MIN_PER_SECOND = 1
export const BUDGET_TOKENS_MAX = 50
