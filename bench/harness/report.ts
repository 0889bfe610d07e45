import { achieved, quartiles, ratios } from './statistics.ts'
import type { MetricResult, SuiteResult, Target } from './suite.ts'

const number = new Intl.NumberFormat('en', { maximumSignificantDigits: 4 })

/** One metric as a few lines for people. A missed target is said as plainly as one that was reached. */
export function reportMetric(result: MetricResult): string {
  if (result.missing !== undefined) return `${result.name}: NOT MEASURED. ${result.missing}`
  if (result.failure !== undefined) return `${result.name}: FAILED. ${result.failure}`
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
  const named = (what: string, results: readonly MetricResult[]) =>
    results.length === 0 ? '' : `; ${what}: ${results.map(({ name }) => name).join(', ')}`
  const unmeasured = metrics.filter(({ missing }) => missing !== undefined)
  const failed = metrics.filter(({ failure }) => failure !== undefined)
  const missed = metrics.filter((metric) => !metric.ok && !unmeasured.includes(metric) && !failed.includes(metric))
  const reached = metrics.length - missed.length - unmeasured.length - failed.length
  return `${suite} on Node ${node}: ${reached} of ${metrics.length} targets reached${named('missed', missed)}${named('not measured', unmeasured)}${named('failed', failed)}`
}

function describeTarget(target: Target): string {
  if ('ratioMax' in target) return `ratio at most ${number.format(target.ratioMax)}`
  if ('ratioMin' in target) return `ratio at least ${number.format(target.ratioMin)}`
  if ('oursMax' in target) return `ours at most ${number.format(target.oursMax)}`
  return `ours at least ${number.format(target.oursMin)}`
}
