import { isObject, type Json } from '../json.ts'
import type { SortKey } from '../knowledge.ts'
import { isIdentityIn, orderOf, sortValueOf } from '../list-elements.ts'

interface Candidate {
  /** Of the elements of one answer, how many were in the other, too. */
  matched: number
  total: number
}

interface Sorting {
  isAscending: boolean
  isDescending: boolean
  /** Neighbours that differ. */
  steps: number
}

const KEYS_MAX = 50
const ELEMENTS_MAX = 500
const MATCHED_MIN = 0.5
// So many neighbours in order are no chance.
const TELLING_STEPS = 20

/** What the lists of one field have shown: what tells their elements apart, and in what order they are. */
export class ListEvidence {
  /** Undefined while no list with elements was seen. */
  #candidates: Map<string, Candidate> | undefined
  readonly #sortings = new Map<string, Sorting>()

  note(list: readonly Json[]): void {
    const [first] = list
    if (first === undefined || !isObject(first) || list.length > ELEMENTS_MAX) return
    this.#candidates ??= new Map(
      Object.keys(first)
        .slice(0, KEYS_MAX)
        .map((key) => [key, { matched: 0, total: 0 }]),
    )
    for (const key of this.#candidates.keys()) if (!isIdentityIn(list, key)) this.#candidates.delete(key)
    if (list.length > 1) for (const key of Object.keys(first).slice(0, KEYS_MAX)) this.#noteSorting(key, list)
  }

  /** Two lists in answers of the monolith to one request. */
  notePair(a: readonly Json[], b: readonly Json[]): void {
    for (const [key, candidate] of this.#candidates ?? []) {
      const there = new Set(b.map((element) => sortValueOf(element, key)))
      candidate.total += Math.max(a.length, b.length)
      for (const element of a) if (there.has(sortValueOf(element, key))) candidate.matched++
    }
  }

  get identityKeys(): readonly string[] {
    return [...(this.#candidates ?? [])]
      .filter(([, { matched, total }]) => total === 0 || matched / total >= MATCHED_MIN)
      .toSorted(([a, one], [b, other]) => shareOf(other) - shareOf(one) || rankOf(a) - rankOf(b))
      .map(([key]) => key)
  }

  get sortKeys(): readonly SortKey[] {
    return [...this.#sortings].flatMap(([key, { isAscending, isDescending, steps }]): readonly SortKey[] =>
      steps < TELLING_STEPS || isAscending === isDescending ? [] : [{ key, direction: isAscending ? 'ascending' : 'descending' }],
    )
  }

  #noteSorting(key: string, list: readonly Json[]): void {
    const sorting = this.#sortings.get(key) ?? { isAscending: true, isDescending: true, steps: 0 }
    this.#sortings.set(key, sorting)
    for (let index = 1; index < list.length && (sorting.isAscending || sorting.isDescending); index++) {
      const order = orderOf(sortValueOf(list[index - 1]!, key), sortValueOf(list[index]!, key))
      if (order === undefined) {
        sorting.isAscending = false
        sorting.isDescending = false
      } else if (order !== 0) {
        sorting.steps++
        if (order > 0) sorting.isAscending = false
        else sorting.isDescending = false
      }
    }
  }
}

// In tenths: a list from which one element is missing now and then is not told apart worse for that.
const shareOf = ({ matched, total }: Candidate): number => (total === 0 ? 10 : Math.round((matched / total) * 10))

const NAMES: readonly RegExp[] = [/^_?id$/i, /^(?:uuid|guid|key|code|sku|slug)$/i, /id$/i, /(?:key|code|slug|number|name|email|title)$/i]

/** What elements are called by comes before what merely differs so far. */
function rankOf(key: string): number {
  const rank = NAMES.findIndex((pattern) => pattern.test(key))
  return rank === -1 ? NAMES.length : rank
}
