import { VirtualClock } from '@seaworthy/testing'
import { seededRandom } from 'seaworthy/core'

/** A clock of its own and randomness from a seed: the same seed gives the same figures on any machine. */
export function world(seed: number) {
  return { clock: new VirtualClock(), random: seededRandom(seed) }
}

/** Resolves after `ms` of the world's time. */
export function takes(clock: VirtualClock, ms: number): Promise<void> {
  return new Promise((resolve) => void clock.timer(ms, resolve))
}

/** The value that this share of the others does not exceed. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

/** The gap to the next arrival of a Poisson process. */
export function gapMs(perSecond: number, float: number): number {
  return (-Math.log(1 - float) * 1_000) / perSecond
}
