import type { ComparableAnswer } from './answer.ts'
import type { Tolerated } from './compare-answers.ts'
import { type Difference, type DifferenceKind, groupOf } from './difference.ts'
import { type DifferenceGroup, DifferenceGroups } from './difference-groups.ts'
import type { Json } from './json.ts'
import { EndpointProfile, type LearnedNoise } from './noise/endpoint-profile.ts'
import type { ShowingRules } from './shown-value.ts'

/**
 * What became of one request:
 * - `learning`: the monolith was asked again and again, and nothing was compared.
 * - `equal`, `differs`: compared; a difference was confirmed.
 * - `transient`: a difference was gone when both were asked again.
 * - `unsettled`: the monolith's own answers did not stand still.
 * - `unconfirmed`: there was a difference, and the monolith may not be asked so often.
 * - `unanswered`: the service gave no answer.
 * - `omitted`: there are more endpoints than are kept.
 */
export type Verdict = 'learning' | 'equal' | 'differs' | 'transient' | 'unsettled' | 'unconfirmed' | 'unanswered' | 'omitted'

export interface EndpointReport {
  readonly endpoint: string
  /** Enough was learned to compare. */
  readonly isReady: boolean
  readonly verdicts: Readonly<Record<Verdict, number>>
  /** Requests that the monolith was asked again and again. */
  readonly series: number
  readonly noise: readonly LearnedNoise[]
  readonly differences: readonly DifferenceGroup[]
  /** What was gone when both were asked again: late data, as a rule. */
  readonly transient: readonly DifferenceGroup[]
  readonly unanswered: readonly { readonly reason: string; readonly count: number }[]
  /** Values that differ and are in no group, because there are too many groups. */
  readonly omittedValues: number
  /** Answers too large to be looked at whole, and bodies too large to be kept. */
  readonly cutShort: number
  readonly bodiesLeftOut: number
  /** Answers that counted as different until their field was found to differ by nature. */
  readonly explainedLater: number
}

export interface ComparisonReport {
  readonly atMs: number
  readonly endpoints: readonly EndpointReport[]
}

const NO_VERDICTS: Readonly<Record<Verdict, number>> = {
  learning: 0,
  equal: 0,
  differs: 0,
  transient: 0,
  unsettled: 0,
  unconfirmed: 0,
  unanswered: 0,
  omitted: 0,
}

const REPEATS_TELLING = 4
const REASONS_MAX = 20
const KNOWN_MAX = 1_000

/** What is known of one endpoint, and what was found there. */
export class EndpointRecord {
  readonly name: string
  readonly profile = new EndpointProfile()
  /** Series under way. */
  learning = 0
  /** Differences that are being confirmed. */
  confirming = 0
  cutShort = 0
  bodiesLeftOut = 0
  readonly #verdicts: Record<Verdict, number> = { ...NO_VERDICTS }
  readonly #differences: DifferenceGroups
  readonly #transient: DifferenceGroups
  readonly #confirmed = new Map<string, number>()
  readonly #unanswered = new Map<string, number>()
  readonly #lastActual = new Map<string, { value: Json; repeats: number }>()
  #explainedLater = 0

  constructor(name: string, showing: ShowingRules) {
    this.name = name
    this.#differences = new DifferenceGroups(showing)
    this.#transient = new DifferenceGroups(showing)
  }

  count(verdict: Verdict): void {
    this.#verdicts[verdict]++
  }

  /** Answers of the monolith to one request. Differences in fields that turn out to differ by nature are taken back. */
  learn(answers: readonly ComparableAnswer[]): void {
    const before = new Set(this.profile.noise.map(({ field }) => field))
    this.profile.learn(answers)
    const learned = new Set(this.profile.noise.map(({ field }) => field).filter((field) => !before.has(field)))
    if (learned.size === 0) return
    const isExplained = ({ field, kind }: { readonly field: string; readonly kind: DifferenceKind }) =>
      learned.has(field) && kind !== 'format' && kind !== 'range' && kind !== 'repeated'
    const answersBefore = this.#differences.drop(isExplained)
    this.#transient.drop(isExplained)
    this.#explainedLater += answersBefore
    this.#verdicts.differs = Math.max(0, this.#verdicts.differs - answersBefore)
  }

  /** Whether what was learned since explains a difference. */
  explains({ field, kind, expected, actual }: Difference, atMs: number): boolean {
    const tolerance = this.profile.toleranceOf(field)
    if (tolerance === undefined) return false
    switch (kind) {
      case 'missing':
      case 'added':
        return tolerance.isAbsentAtTimes
      case 'order':
        return tolerance.isReordered && this.profile.sortKeysOf(field).length === 0
      case 'value':
      case 'type':
        return (
          expected !== undefined &&
          actual !== undefined &&
          tolerance.objectionTo(expected, actual, { expectedAtMs: atMs, actualAtMs: atMs }) === undefined
        )
      default:
        return false
    }
  }

  /** A value that is new each time at the monolith, and was the same again and again at the service: a copy. */
  repeated(tolerated: readonly Tolerated[], target: string): readonly Difference[] {
    const found: Difference[] = []
    const seen = new Set<string>()
    for (const { field, path, actual } of tolerated) {
      if (seen.has(field) || this.profile.evidenceOf(field)?.isFreshEachTime !== true) continue
      seen.add(field)
      const last = this.#lastActual.get(field)
      const repeats = last !== undefined && last.value === actual ? last.repeats + 1 : 0
      this.#lastActual.set(field, { value: actual, repeats })
      if (repeats >= REPEATS_TELLING)
        found.push({ kind: 'repeated', field, path, actual, detail: `the same ${repeats + 1} times, at last for ${target}` })
    }
    return found
  }

  /** Confirmed so often that it need not be confirmed once more. */
  isKnown(difference: Difference, times: number): boolean {
    return (this.#confirmed.get(groupOf(difference)) ?? 0) >= times
  }

  noteDifferences(differences: readonly Difference[], request: string, atMs: number): void {
    this.#differences.add(differences, request, atMs)
    for (const group of new Set(differences.map(groupOf))) {
      if (this.#confirmed.has(group) || this.#confirmed.size < KNOWN_MAX) this.#confirmed.set(group, (this.#confirmed.get(group) ?? 0) + 1)
    }
  }

  noteTransient(differences: readonly Difference[], request: string, atMs: number): void {
    this.#transient.add(differences, request, atMs)
    // It comes and goes: it is confirmed each time from now on.
    for (const difference of differences) this.#confirmed.delete(groupOf(difference))
  }

  noteUnanswered(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error)
    if (this.#unanswered.has(reason) || this.#unanswered.size < REASONS_MAX)
      this.#unanswered.set(reason, (this.#unanswered.get(reason) ?? 0) + 1)
  }

  report(isReady: boolean): EndpointReport {
    return {
      endpoint: this.name,
      isReady,
      verdicts: { ...this.#verdicts },
      series: this.profile.series,
      noise: this.profile.noise,
      differences: this.#differences.all,
      transient: this.#transient.all,
      unanswered: [...this.#unanswered].map(([reason, count]) => ({ reason, count })),
      omittedValues: this.#differences.omitted,
      cutShort: this.cutShort,
      bodiesLeftOut: this.bodiesLeftOut,
      explainedLater: this.#explainedLater,
    }
  }
}
