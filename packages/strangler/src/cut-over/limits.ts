import { ConfigurationError } from 'seaworthy/core'

/** Every limit of a cut-over. */
export interface CutOverLimits {
  /** Keys in one batch of the feed. Default 200. */
  readonly batchKeysMax: number
  /** Keys that the copy brings over in a second at most, so that the monolith has time for its users. Default 2,000. */
  readonly copyKeysPerSecondMax: number
  /** How long writes are held by a switch, in milliseconds; then it is given up. Default 1,000. */
  readonly switchMaxMs: number
  /** How far the feed may lag where a switch begins. Default 1,000 changes, and 2,000 ms. */
  readonly readyChangesMax: number
  readonly readyAgeMaxMs: number
  /** How long a rollback goes on feeding back before it opens the monolith and holds what is missing, in milliseconds. Default 300. */
  readonly rollbackDrainMs: number
  /** Keys that a rollback holds at most; while there are more, everything is held. Default 10,000. */
  readonly heldKeysMax: number
  /** Keys in one range of a verification. Default 500. */
  readonly rangeKeysMax: number
  /** Differing keys that a verification names. Default 1,000. */
  readonly differencesMax: number
  /** How long to wait after a verification that found differences, in milliseconds, before the next. Default 10,000. */
  readonly verifyAgainMs: number
  /** How long the feed rests when there is nothing to do, in milliseconds. Default 50. */
  readonly pollMs: number
  /** How often keys that could not be brought over are tried again without a change, in milliseconds. Default 5,000. */
  readonly retryParkedMs: number
  /** How often the source is told what it may forget, in milliseconds. Default 1,000. */
  readonly trimEveryMs: number
}

const DEFAULTS: CutOverLimits = {
  batchKeysMax: 200,
  copyKeysPerSecondMax: 2_000,
  switchMaxMs: 1_000,
  readyChangesMax: 1_000,
  readyAgeMaxMs: 2_000,
  rollbackDrainMs: 300,
  heldKeysMax: 10_000,
  rangeKeysMax: 500,
  differencesMax: 1_000,
  verifyAgainMs: 10_000,
  pollMs: 50,
  retryParkedMs: 5_000,
  trimEveryMs: 1_000,
}

/** @throws ConfigurationError when one is no positive number */
export function limitsOf(own: Partial<CutOverLimits> = {}): CutOverLimits {
  const limits = { ...DEFAULTS, ...own }
  for (const [name, value] of Object.entries(limits)) {
    if (!(typeof value === 'number' && value > 0))
      throw new ConfigurationError(`${name} of a cut-over is a number above 0, not ${String(value)}.`)
  }
  return limits
}
