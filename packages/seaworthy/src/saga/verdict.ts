import { type Random, RejectedError, SeaworthyError, backoffMs, executedOf, isFinal } from 'seaworthy/core'
import type { Call } from './graph.ts'
import type { StepPolicy } from './policy.ts'

/** What follows from an attempt that did not succeed. */
export type Verdict =
  | { readonly kind: 'again'; readonly delayMs: number }
  | { readonly kind: 'turn-back'; readonly reason: string }
  | { readonly kind: 'park'; readonly reason: string }

export interface FailedAttempt {
  readonly error: unknown
  /** From 1. */
  readonly attempt: number
  /** Since the first attempt. */
  readonly elapsedMs: number
}

/** An answer may ask to be left alone for so long, and no longer: a mistake in it must not put a saga to sleep for a year. */
const RETRY_AFTER_MS_MAX = 60_000

/**
 * Judges a failed action. `mayHaveRun` says whether this attempt or an earlier one could have had an effect.
 *
 * The receiver decided (final): turn back. It surely did not happen, or is unknown: ask again under the same key, until the policy gives up; then
 * turn back, and what may have run is undone too. Only a pivot cannot be undone: while it may have run, it is asked on. What its receiver then
 * rejects under that key did not happen. Any other final error leaves the doubt, so a person decides.
 */
export function judgeAction(
  step: Call,
  failed: FailedAttempt & { readonly mayHaveRun: boolean },
  options: { readonly random: Random; readonly treatUnknownAsFailed: boolean },
): Verdict {
  const { error } = failed
  const reason = reasonOf(error)
  const again: Verdict = { kind: 'again', delayMs: delayMs(step.policy, failed, options.random) }
  if (step.kind === 'forward') return isFinal(error) ? { kind: 'park', reason } : again
  if (options.treatUnknownAsFailed && executedOf(error) !== 'no') return { kind: 'turn-back', reason }
  const cannotTurnBack = step.kind === 'pivot' && failed.mayHaveRun && !(error instanceof RejectedError)
  if (isFinal(error)) return { kind: cannotTurnBack ? 'park' : 'turn-back', reason }
  if (cannotTurnBack || !givesUp(step.policy, failed.elapsedMs)) return again
  return { kind: 'turn-back', reason }
}

/** Judges a failed compensation: there is nothing to turn back to. */
export function judgeCompensation(policy: StepPolicy, failed: FailedAttempt, random: Random): Exclude<Verdict, { kind: 'turn-back' }> {
  if (isFinal(failed.error) || givesUp(policy, failed.elapsedMs)) return { kind: 'park', reason: reasonOf(failed.error) }
  return { kind: 'again', delayMs: delayMs(policy, failed, random) }
}

function givesUp({ giveUpAfterMs }: StepPolicy, elapsedMs: number): boolean {
  return giveUpAfterMs !== 'never' && elapsedMs >= giveUpAfterMs
}

function delayMs(policy: StepPolicy, { error, attempt, elapsedMs }: FailedAttempt, random: Random): number {
  const asked = error instanceof SeaworthyError ? (error.retryAfterMs ?? 0) : 0
  const wanted = Math.max(backoffMs(policy.backoff, attempt, random), Math.min(asked, RETRY_AFTER_MS_MAX))
  // The last attempt is made when the time is up, not skipped because the wait before it is long.
  const leftMs = policy.giveUpAfterMs === 'never' ? Number.POSITIVE_INFINITY : policy.giveUpAfterMs - elapsedMs
  return leftMs > 0 ? Math.min(wanted, leftMs) : wanted
}

/** An error's reason in a form a program can act on. */
export function reasonOf(error: unknown): string {
  if (error instanceof RejectedError) return error.reason
  if (error instanceof SeaworthyError) return error.code
  return error instanceof Error ? error.name : 'unknown-error'
}

/** An error for a person who reads the journal. */
export function describeError(error: unknown): string {
  const text = error instanceof Error ? `${reasonOf(error)}: ${error.message}` : String(error)
  return text.length > ERROR_LENGTH_MAX ? `${text.slice(0, ERROR_LENGTH_MAX)}…` : text
}

const ERROR_LENGTH_MAX = 2_000
