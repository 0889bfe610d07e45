import { achieved, quartiles, ratios } from './statistics.ts'
import type { MetricResult, SuiteResult, Target } from './suite.ts'

const number = new Intl.NumberFormat('en', { maximumSignificantDigits: 4 })

/** One metric as a few lines for people. A missed target is said as plainly as one that was reached. */
export function reportMetric(result: MetricResult): string {
  const ours = quartiles(result.rounds.map((round) => round.ours))
  const theirs = quartiles(result.rounds.map((round) => round.peer))
  const ratio = quartiles(ratios(result.rounds))
  const verdict = result.ok ? 'reached' : 'MISSED'
  return [
    `${result.name} (${result.unit}, ${result.better} is better)`,
    `  ours ${number.format(ours.median)}   ${result.peer} ${number.format(theirs.median)}` +
      `   ratio ${number.format(ratio.median)} (quartiles ${number.format(ratio.low)} to ${number.format(ratio.high)}, ${result.rounds.length} rounds)`,
    `  target ${describeTarget(result.target)}: ${verdict}, ${number.format(achieved(result.target, result.rounds))}`,
    ...(result.note === undefined ? [] : [`  ${result.note}`]),
  ].join('\n')
}

export function reportSuite({ suite, node, metrics }: SuiteResult): string {
  const missed = metrics.filter(({ ok }) => !ok).map(({ name }) => name)
  return `${suite} on Node ${node}: ${metrics.length - missed.length} of ${metrics.length} targets reached${
    missed.length === 0 ? '' : `; missed: ${missed.join(', ')}`
  }`
}

function describeTarget(target: Target): string {
  if ('ratioMax' in target) return `ratio at most ${number.format(target.ratioMax)}`
  if ('ratioMin' in target) return `ratio at least ${number.format(target.ratioMin)}`
  if ('oursMax' in target) return `ours at most ${number.format(target.oursMax)}`
  return `ours at least ${number.format(target.oursMin)}`
}
