import { type Backoff, exponential } from 'seaworthy/core'

/** How a step, or its compensation, is tried. Data, so that it can be shown and stored. */
export interface StepPolicy {
  /** How long one attempt may take; its call gets this as its deadline. */
  readonly attemptTimeoutMs: number
  /** How long to wait between attempts. An answer that says "come back in …" is heeded up to a minute. */
  readonly backoff: Backoff
  /**
   * When to stop trying, counted from the first attempt by the wall clock, because it must survive a restart. There is always one attempt
   * after a restart, however late.
   */
  readonly giveUpAfterMs: number | 'never'
}

/** Before and at the pivot: five minutes, then turn back. A pivot that may have taken effect is asked on: nothing can undo it. */
export const ACTION_POLICY: StepPolicy = {
  attemptTimeoutMs: 10_000,
  backoff: exponential({ baseMs: 100, maxMs: 10_000 }),
  giveUpAfterMs: 300_000,
}

/** After the pivot there is only forward. */
export const FORWARD_POLICY: StepPolicy = {
  attemptTimeoutMs: 10_000,
  backoff: exponential({ baseMs: 100, maxMs: 60_000 }),
  giveUpAfterMs: 'never',
}

/** What is not undone is lost, so a day; then a person decides. */
export const COMPENSATION_POLICY: StepPolicy = {
  attemptTimeoutMs: 10_000,
  backoff: exponential({ baseMs: 100, maxMs: 60_000 }),
  giveUpAfterMs: 86_400_000,
}
