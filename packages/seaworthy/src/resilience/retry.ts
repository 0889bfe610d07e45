import { type Backoff, backoffMs, executedOf, isFinal, type Random, SeaworthyError } from 'seaworthy/core'
import { isAbort } from './circuit-breaker.ts'

/** A failed attempt, and what decides whether there is another. */
export interface FailedAttempt {
  readonly error: unknown
  /** 1 is the first. */
  readonly attempt: number
  /** The receiver makes sure that a repetition does no harm: the call is idempotent or carries an idempotency key. */
  readonly repeatable: boolean
  /** The wait before this attempt, for a back-off that builds on it. */
  readonly previousDelayMs?: number | undefined
  /** Until the deadline; Infinity without one. */
  readonly remainingMs: number
}

export type RetryDecision =
  | { readonly kind: 'retry'; readonly delayMs: number }
  /**
   * - `attempts`: that was the last one, or the caller makes the others.
   * - `final`: asking again gets the same answer, or the caller has given up.
   * - `unsafe`: it may have been executed, and a repetition might do it twice.
   * - `wait`: the receiver asks for a longer wait than the policy allows.
   * - `deadline`: the deadline is nearer than the next attempt.
   */
  | { readonly kind: 'give-up'; readonly why: 'attempts' | 'final' | 'unsafe' | 'wait' | 'deadline' }

/** Whether to try again, and after how long: the back-off, or longer if the receiver asked for it. */
export function decideRetry(
  retry: { readonly attemptsMax: number; readonly backoff: Backoff; readonly waitMaxMs: number },
  failed: FailedAttempt,
  random: Random,
): RetryDecision {
  const { error } = failed
  if (failed.attempt >= retry.attemptsMax) return { kind: 'give-up', why: 'attempts' }
  if (isFinal(error) || isAbort(error)) return { kind: 'give-up', why: 'final' }
  if (executedOf(error) !== 'no' && !failed.repeatable) return { kind: 'give-up', why: 'unsafe' }
  // Not a number, of a header that was not understood, is no wish either.
  const askedMs = (error instanceof SeaworthyError && error.retryAfterMs) || 0
  if (askedMs > retry.waitMaxMs) return { kind: 'give-up', why: 'wait' }
  const delayMs = Math.max(askedMs, Math.min(backoffMs(retry.backoff, failed.attempt, random, failed.previousDelayMs), retry.waitMaxMs))
  // A timer may fire a fraction of a millisecond early: what is left then is no time for another attempt.
  return delayMs + 1 <= failed.remainingMs ? { kind: 'retry', delayMs } : { kind: 'give-up', why: 'deadline' }
}
