import type { ComparableAnswer } from './answer.ts'
import type { Difference } from './difference.ts'
import { childOf, elementOf, fieldOfMember } from './field-path.ts'
import { isArray, isObject, isScalar, type Json, type JsonObject, typeOf } from './json.ts'
import type { AnswerTimes, Knowledge, Tolerance } from './knowledge.ts'
import { breaksOrder, identityOf, fingerprint, keyText, sameValue } from './list-elements.ts'

export interface ComparisonLimits {
  /** Differences that one comparison names. */
  readonly differencesMax: number
  /** Values that it looks at. */
  readonly valuesMax: number
  readonly depthMax: number
}

export const defaultComparisonLimits: ComparisonLimits = { differencesMax: 200, valuesMax: 200_000, depthMax: 100 }

/** A value that differs, and may: the field differs by nature. */
export interface Tolerated {
  readonly field: string
  readonly path: string
  readonly actual: Json
}

export interface Comparison {
  readonly differences: readonly Difference[]
  readonly tolerated: readonly Tolerated[]
  /** A limit was reached: there may be more. */
  readonly isCutShort: boolean
}

/** What of two answers differs, in the light of what is known of their endpoint. `expected` is the monolith's. Pure. */
export function compareAnswers(
  expected: ComparableAnswer,
  actual: ComparableAnswer,
  knowledge: Knowledge,
  limits: ComparisonLimits = defaultComparisonLimits,
): Comparison {
  const walk = new Walk(knowledge, limits, { expectedAtMs: expected.atMs, actualAtMs: actual.atMs })
  const headOnly = expected.isBodyLeftOut || actual.isBodyLeftOut
  walk.visit('status', 'status', expected.content['status']!, actual.content['status']!, 0)
  // The body of another status is another thing: what differs there follows from the status.
  if (expected.status === actual.status || walk.differences.length === 0) {
    for (const part of ['header', 'body', 'bytes']) {
      if (part === 'header' || !headOnly) walk.visitMember(part, part, expected.content, actual.content, part, 0)
    }
  }
  return { differences: walk.differences, tolerated: walk.tolerated, isCutShort: walk.isCutShort }
}

const KEY_CHARACTERS_MAX = 80
const shortKey = (value: Json): string => keyText(value).slice(0, KEY_CHARACTERS_MAX)

class Walk {
  readonly differences: Difference[] = []
  readonly tolerated: Tolerated[] = []
  isCutShort = false
  #values = 0
  readonly #knowledge: Knowledge
  readonly #limits: ComparisonLimits
  readonly #times: AnswerTimes

  constructor(knowledge: Knowledge, limits: ComparisonLimits, times: AnswerTimes) {
    this.#knowledge = knowledge
    this.#limits = limits
    this.#times = times
  }

  visit(field: string, path: string, a: Json, b: Json, depth: number): void {
    if (++this.#values > this.#limits.valuesMax || depth > this.#limits.depthMax) {
      this.isCutShort = true
      return
    }
    if (isObject(a) && isObject(b)) this.#visitObject(field, path, a, b, depth)
    else if (isArray(a) && isArray(b)) this.#visitList(field, path, a, b, depth)
    else if (!sameValue(a, b)) this.#leaf(field, path, a, b)
  }

  visitMember(field: string, path: string, a: JsonObject, b: JsonObject, key: string, depth: number): void {
    // Own members alone: a key may be called __proto__ or constructor.
    const inA = Object.hasOwn(a, key)
    const inB = Object.hasOwn(b, key)
    if (inA && inB) this.visit(field, path, a[key]!, b[key]!, depth)
    else if (inA) this.#absent('missing', field, path, a[key]!)
    else if (inB) this.#absent('added', field, path, b[key]!)
  }

  #leaf(field: string, path: string, expected: Json, actual: Json): void {
    const tolerance = this.#knowledge.toleranceOf(field)
    if (tolerance === undefined) {
      this.#report({ kind: typeOf(expected) === typeOf(actual) ? 'value' : 'type', field, path, expected, actual })
      return
    }
    const objection = tolerance.objectionTo(expected, actual, this.#times)
    if (objection === undefined) this.tolerated.push({ field, path, actual })
    else this.#report({ ...objection, field, path, expected, actual })
  }

  #absent(kind: 'missing' | 'added', field: string, path: string, value: Json): void {
    if (this.#knowledge.toleranceOf(field)?.isAbsentAtTimes === true) return
    this.#report({ kind, field, path, ...(kind === 'missing' ? { expected: value } : { actual: value }) })
  }

  #report(difference: Difference): void {
    if (this.differences.length < this.#limits.differencesMax) this.differences.push(difference)
    else this.isCutShort = true
  }

  #visitObject(field: string, path: string, a: JsonObject, b: JsonObject, depth: number): void {
    const isMap = this.#knowledge.isMap(field)
    const fieldOf = (key: string) => fieldOfMember(field, key, isMap)
    for (const key of Object.keys(a)) this.visitMember(fieldOf(key), childOf(path, key), a, b, key, depth + 1)
    for (const key of Object.keys(b)) if (!Object.hasOwn(a, key)) this.visitMember(fieldOf(key), childOf(path, key), a, b, key, depth + 1)
  }

  #visitList(field: string, path: string, a: readonly Json[], b: readonly Json[], depth: number): void {
    if (a.length === 0 && b.length === 0) return
    const tolerance = this.#knowledge.toleranceOf(field)
    const key = identityOf(a, b, this.#knowledge.identityKeysOf(field))
    if (key !== undefined) this.#byKey(key, { field, path, a: a as readonly JsonObject[], b: b as readonly JsonObject[], depth, tolerance })
    else if (a.length !== b.length) this.#ofOtherLength({ field, path, a, b, depth, tolerance })
    else if (tolerance?.isReordered === true) this.#asBag({ field, path, a, b, depth })
    else this.#byPosition({ field, path, a, b, depth })
    if (tolerance?.isReordered === true) this.#checkOrder(field, path, b)
  }

  #byKey(key: string, { field, path, a, b, depth, tolerance }: Lists<JsonObject>): void {
    const element = elementOf(field)
    const pathOf = (value: JsonObject) => `${path}[${key}=${shortKey(value[key]!)}]`
    const there = new Map(b.map((value) => [keyText(value[key]!), value]))
    const common: string[] = []
    for (const value of a) {
      const id = keyText(value[key]!)
      const counterpart = there.get(id)
      if (counterpart === undefined) this.#absent('missing', element, pathOf(value), value)
      else {
        common.push(id)
        this.visit(element, pathOf(value), value, counterpart, depth + 1)
      }
    }
    const known = new Set(a.map((value) => keyText(value[key]!)))
    const order: string[] = []
    for (const value of b) {
      const id = keyText(value[key]!)
      if (known.has(id)) order.push(id)
      else this.#absent('added', element, pathOf(value), value)
    }
    if (tolerance?.isReordered !== true && order.some((id, index) => id !== common[index]))
      this.#report({ kind: 'order', field, path, expected: common.slice(0, 20), actual: order.slice(0, 20), detail: `by ${key}` })
  }

  #byPosition({ field, path, a, b, depth }: Lists<Json>): void {
    const element = elementOf(field)
    const before = this.differences.length
    for (const [index, value] of a.entries()) this.visit(element, `${path}[${index}]`, value, b[index]!, depth + 1)
    // The same elements at other places: one difference, not one for each.
    if (this.differences.length > before + 1 && this.#isReordered(element, a, b)) {
      this.differences.length = before
      this.#report({ kind: 'order', field, path, expected: a.slice(0, 20), actual: b.slice(0, 20) })
    }
  }

  #isReordered(element: string, a: readonly Json[], b: readonly Json[]): boolean {
    const of = (list: readonly Json[]) => list.map((value) => fingerprint(value, element, this.#knowledge)).toSorted()
    const other = of(b)
    return of(a).every((print, index) => print === other[index])
  }

  #asBag({ field, path, a, b, depth }: Lists<Json>): void {
    const element = elementOf(field)
    const rest = new Map<string, Json[]>()
    for (const value of b) {
      const print = fingerprint(value, element, this.#knowledge)
      const alike = rest.get(print)
      if (alike === undefined) rest.set(print, [value])
      else alike.push(value)
    }
    const unmatched: (readonly [number, Json])[] = []
    for (const [index, value] of a.entries()) {
      const counterpart = rest.get(fingerprint(value, element, this.#knowledge))?.shift()
      // Equal but for what differs by nature: that is looked at too.
      if (counterpart === undefined) unmatched.push([index, value])
      else this.visit(element, `${path}[${index}]`, value, counterpart, depth + 1)
    }
    const left = [...rest.values()].flat()
    for (const [at, [index, value]] of unmatched.entries()) this.visit(element, `${path}[${index}]`, value, left[at]!, depth + 1)
  }

  /** Without identities nobody can tell which elements are missing; of plain values one can. */
  #ofOtherLength({ field, path, a, b, depth, tolerance }: Lists<Json>): void {
    const element = elementOf(field)
    if ([...a, ...b].every(isScalar)) {
      const left = new Map<string, number>()
      for (const value of b) left.set(keyText(value), (left.get(keyText(value)) ?? 0) + 1)
      for (const value of a) {
        const count = left.get(keyText(value)) ?? 0
        if (count > 0) left.set(keyText(value), count - 1)
        else this.#absent('missing', element, `${path}[${shortKey(value)}]`, value)
      }
      for (const value of b) {
        const count = left.get(keyText(value)) ?? 0
        if (count === 0) continue
        left.set(keyText(value), count - 1)
        this.#absent('added', element, `${path}[${shortKey(value)}]`, value)
      }
      return
    }
    const range = tolerance?.lengths
    if (range === undefined || b.length < range.min || b.length > range.max) {
      const detail = `${a.length} elements, and ${b.length}`
      this.#report({ kind: 'length', field, path, expected: a.length, actual: b.length, detail })
    }
    // With a length that varies by nature the elements do too; otherwise one that is gone would make all behind it differ.
    if (range !== undefined) {
      const length = Math.min(a.length, b.length)
      for (let index = 0; index < length; index++) this.visit(element, `${path}[${index}]`, a[index]!, b[index]!, depth + 1)
    }
  }

  #checkOrder(field: string, path: string, list: readonly Json[]): void {
    for (const sortKey of this.#knowledge.sortKeysOf(field)) {
      if (!breaksOrder(list, sortKey)) continue
      const detail = `the monolith's are always ${sortKey.direction} by ${sortKey.key}`
      this.#report({ kind: 'order', field, path, detail })
    }
  }
}

interface Lists<T extends Json> {
  readonly field: string
  readonly path: string
  readonly a: readonly T[]
  readonly b: readonly T[]
  readonly depth: number
  readonly tolerance?: Tolerance | undefined
}
