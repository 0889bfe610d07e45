import type { Round, Target } from './suite.ts'

export interface Quartiles {
  readonly low: number
  readonly median: number
  readonly high: number
}

/** First quartile, median and third quartile, interpolated between neighbours. */
export function quartiles(values: readonly number[]): Quartiles {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number) => {
    const position = (sorted.length - 1) * share
    const below = sorted[Math.floor(position)] ?? Number.NaN
    const above = sorted[Math.ceil(position)] ?? Number.NaN
    return below === above ? below : below + (above - below) * (position - Math.floor(position))
  }
  return { low: at(0.25), median: at(0.5), high: at(0.75) }
}

/** Ours divided by the peer's, round by round; nothing divided by nothing is 1. */
export function ratios(rounds: readonly Round[]): number[] {
  return rounds.map(({ ours, peer }) => (ours === peer ? 1 : ours / peer))
}

/** The figure that a target speaks of: the median of the ratios, or of ours. */
export function achieved(target: Target, rounds: readonly Round[]): number {
  const speaksOfRatio = 'ratioMax' in target || 'ratioMin' in target
  return quartiles(speaksOfRatio ? ratios(rounds) : rounds.map(({ ours }) => ours)).median
}

export function isReached(target: Target, rounds: readonly Round[]): boolean {
  const figure = achieved(target, rounds)
  if ('ratioMax' in target) return figure <= target.ratioMax
  if ('ratioMin' in target) return figure >= target.ratioMin
  if ('oursMax' in target) return figure <= target.oursMax
  return figure >= target.oursMin
}
