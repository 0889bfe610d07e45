import type { Judged, Outcome } from './judge.ts'
import { SERVICES } from './plants.ts'

/** What the engineer on call sees, before anybody says why. */
export function question(number: number, { verdict, cpu }: Outcome, file: string): string {
  const busy = SERVICES.map((name) => `${name} ${percent(cpu[name])}`).join(', ')
  return `${number}. A checkout took ${Math.round(verdict.durationMs)} ms. Processors: ${busy}.\n   Where did the time go? Its trace: ${file}`
}

/** The same, with what the console says. */
export function answer(number: number, outcome: Outcome, { plants }: Judged): string {
  const { verdict } = outcome
  const sentences = plants.some(({ plant }) => plant.kind === 'queue-delay')
    ? [verdict.whole?.sentence ?? verdict.sentence]
    : [verdict.sentence]
  const planted = plants
    .map(
      ({ plant, plantedMs, foundMs, isRight }) =>
        `${plant.kind} in ${plant.service}: ${Math.round(plantedMs)} ms planted, ${Math.round(foundMs)} ms found${isRight ? '' : ', NOT NAMED'}`,
    )
    .join('; ')
  return `${number}. ${sentences.join(' ')}\n   ${planted}`
}

export function cpuGraphs(outcomes: readonly Outcome[]): string {
  const names = SERVICES.map((name) => name.padStart(14)).join('')
  const rows = outcomes.map(
    ({ case: { name }, cpu }) => `   ${name.padEnd(28)}${SERVICES.map((service) => percent(cpu[service]).padStart(14)).join('')}`,
  )
  return [`   ${''.padEnd(28)}${names}`, ...rows].join('\n')
}

export function table(all: readonly { readonly outcome: Outcome; readonly judged: Judged }[]): string {
  const head = `   ${'planted'.padEnd(28)}${'what'.padEnd(16)}${'planted ms'.padStart(12)}${'found ms'.padStart(12)}   named   unexplained`
  const rows = all.flatMap(({ outcome, judged }) =>
    judged.plants.map(
      ({ plant, plantedMs, foundMs, isRight, isWithinTenth }) =>
        `   ${outcome.case.name.padEnd(28)}${plant.kind.padEnd(16)}${plantedMs.toFixed(0).padStart(12)}${foundMs.toFixed(0).padStart(12)}${isWithinTenth ? ' ' : '*'}  ${isRight ? 'yes' : 'NO '}   ${percent(judged.unexplainedRatio).padStart(10)}`,
    ),
  )
  return [head, ...rows].join('\n')
}

export interface Accuracy {
  readonly plants: number
  readonly right: number
  readonly withinTenth: number
  readonly worstUnexplained: number
  readonly sums: boolean
}

export function accuracyOf(all: readonly Judged[]): Accuracy {
  const plants = all.flatMap((each) => each.plants)
  return {
    plants: plants.length,
    right: plants.filter(({ isRight }) => isRight).length,
    withinTenth: plants.filter(({ isWithinTenth }) => isWithinTenth).length,
    worstUnexplained: Math.max(0, ...all.map(({ unexplainedRatio }) => unexplainedRatio)),
    sums: all.every(({ sums }) => sums),
  }
}

export function accuracy(all: readonly Judged[]): string {
  const { plants, right, withinTenth, worstUnexplained, sums } = accuracyOf(all)
  return `verdicts    ${right} of ${plants} causes named, ${withinTenth} of ${plants} within a tenth of what was planted; at most ${percent(worstUnexplained)} unexplained; ${sums ? 'all parts sum to their trace' : 'PARTS DO NOT SUM'}`
}

/** Every plant is named, and nothing important is left unexplained. How many milliseconds were found on a machine that is busy with other things is told, and not judged. */
export function isAsPromised(all: readonly Judged[]): boolean {
  const { plants, right, worstUnexplained, sums } = accuracyOf(all)
  return plants > 0 && right === plants && worstUnexplained <= 0.1 && sums
}

function percent(ratio: number | undefined): string {
  return ratio === undefined ? '–' : `${Math.round(ratio * 100)} %`
}
