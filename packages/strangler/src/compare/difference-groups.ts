import type { Difference, DifferenceKind } from './difference.ts'
import { groupOf } from './difference.ts'
import { guesses } from './explain.ts'
import { shown, type ShowingRules } from './shown-value.ts'

/** One place where a difference was seen. */
export interface DifferenceExample {
  readonly atMs: number
  /** The request, as it was sent to both. */
  readonly request: string
  readonly path: string
  readonly expected: string
  readonly actual: string
  readonly detail?: string
}

/** All differences of one kind in one field of an endpoint. */
export interface DifferenceGroup {
  readonly field: string
  readonly kind: DifferenceKind
  /** In how many answers, and how many values. */
  readonly answers: number
  readonly values: number
  /** What holds for every value, of three or more: `the monolith's + 1`. */
  readonly explanations: readonly string[]
  readonly first: readonly DifferenceExample[]
  readonly last: readonly DifferenceExample[]
}

const EXAMPLES_EACH = 3
const GROUPS_MAX = 200
const GUESSES_MAX = 24
// What holds for fewer may be chance.
const TELLING_VALUES = 3

interface Gathering {
  readonly field: string
  readonly kind: DifferenceKind
  answers: number
  values: number
  /** How often each guess held; one that failed once is gone. */
  guesses: Set<string> | undefined
  readonly first: DifferenceExample[]
  readonly last: DifferenceExample[]
}

/** The differences of one endpoint, by field and kind. Bounded: what has no place any more is counted. */
export class DifferenceGroups {
  readonly #groups = new Map<string, Gathering>()
  readonly #showing: ShowingRules
  #omitted = 0

  constructor(showing: ShowingRules) {
    this.#showing = showing
  }

  /** The differences of one answer. */
  add(differences: readonly Difference[], request: string, atMs: number): void {
    const seen = new Set<string>()
    for (const difference of differences) {
      const key = groupOf(difference)
      const group = this.#groupFor(key, difference)
      if (group === undefined) {
        this.#omitted++
        continue
      }
      group.values++
      this.#guess(group, difference)
      if (seen.has(key)) continue
      seen.add(key)
      group.answers++
      const example = this.#exampleOf(difference, request, atMs)
      if (group.first.length < EXAMPLES_EACH) group.first.push(example)
      else {
        group.last.push(example)
        if (group.last.length > EXAMPLES_EACH) group.last.shift()
      }
    }
  }

  /** Forgets what `isExplained` says of: the field turned out to differ by nature. @returns how many answers it was in, at most */
  drop(isExplained: (group: { readonly field: string; readonly kind: DifferenceKind }) => boolean): number {
    let answers = 0
    for (const [key, group] of this.#groups) {
      if (!isExplained(group)) continue
      answers = Math.max(answers, group.answers)
      this.#groups.delete(key)
    }
    return answers
  }

  /** Values that found no group: there are more fields that differ than are kept. */
  get omitted(): number {
    return this.#omitted
  }

  /** The most frequent first. */
  get all(): readonly DifferenceGroup[] {
    return [...this.#groups.values()]
      .toSorted((a, b) => b.answers - a.answers)
      .map(({ guesses, ...group }) => ({
        ...group,
        first: [...group.first],
        last: [...group.last],
        explanations: group.values < TELLING_VALUES ? [] : [...(guesses ?? [])],
      }))
  }

  #groupFor(key: string, { field, kind }: Difference): Gathering | undefined {
    const there = this.#groups.get(key)
    if (there !== undefined || this.#groups.size >= GROUPS_MAX) return there
    const group: Gathering = { field, kind, answers: 0, values: 0, guesses: undefined, first: [], last: [] }
    this.#groups.set(key, group)
    return group
  }

  #guess(group: Gathering, { expected, actual }: Difference): void {
    if (group.guesses?.size === 0) return
    const held = new Set(guesses(expected, actual).slice(0, GUESSES_MAX))
    group.guesses = group.guesses === undefined ? held : new Set([...group.guesses].filter((guess) => held.has(guess)))
  }

  #exampleOf({ field, path, expected, actual, detail }: Difference, request: string, atMs: number): DifferenceExample {
    return {
      atMs,
      request,
      path,
      expected: shown(expected, field, this.#showing),
      actual: shown(actual, field, this.#showing),
      ...(detail !== undefined && { detail }),
    }
  }
}
