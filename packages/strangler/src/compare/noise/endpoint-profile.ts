import type { ComparableAnswer } from '../answer.ts'
import { compareAnswers } from '../compare-answers.ts'
import type { Difference } from '../difference.ts'
import { elementOf, fieldOfMember } from '../field-path.ts'
import { isArray, isObject, type Json } from '../json.ts'
import type { Knowledge, SortKey, Tolerance } from '../knowledge.ts'
import { FieldEvidence } from './field-evidence.ts'
import { ListEvidence } from './list-evidence.ts'

const FIELDS_MAX = 2_000
const MAP_KEYS_MAX = 64
const DEPTH_MAX = 100

/** A field that differs by nature, for people. */
export interface LearnedNoise {
  readonly field: string
  readonly noise: string
}

/**
 * What an endpoint of the monolith does by itself, learned from its own answers: the same request, asked again and again.
 * A field that changes once in such a series was written to in between, and is no noise; one that changes twice or more is.
 */
export class EndpointProfile implements Knowledge {
  readonly #fields = new Map<string, FieldEvidence>()
  readonly #lists = new Map<string, ListEvidence>()
  /** The names that objects have had, or `map` where there were more than a type has fields. */
  readonly #names = new Map<string, Set<string> | 'map'>()
  readonly #raw: Knowledge
  #series = 0
  #changedOnce = 0

  constructor() {
    this.#raw = {
      isMap: (field) => this.isMap(field),
      identityKeysOf: (list) => this.identityKeysOf(list),
      sortKeysOf: () => [],
      toleranceOf: () => undefined,
    }
  }

  /** How many requests were asked again. */
  get series(): number {
    return this.#series
  }

  /** Fields that changed once in a series: data that is written to. */
  get changedOnce(): number {
    return this.#changedOnce
  }

  get noise(): readonly LearnedNoise[] {
    return [...this.#fields].flatMap(([field, evidence]) => (evidence.isNoise ? [{ field, noise: evidence.describe() }] : []))
  }

  isMap(field: string): boolean {
    return this.#names.get(field) === 'map'
  }

  identityKeysOf(list: string): readonly string[] {
    return this.#lists.get(list)?.identityKeys ?? []
  }

  sortKeysOf(list: string): readonly SortKey[] {
    return this.#lists.get(list)?.sortKeys ?? []
  }

  toleranceOf(field: string): Tolerance | undefined {
    return this.evidenceOf(field)
  }

  /** @returns undefined where the field is always the same */
  evidenceOf(field: string): FieldEvidence | undefined {
    const evidence = this.#fields.get(field)
    return evidence?.isNoise === true ? evidence : undefined
  }

  /** An answer of the monolith, to whatever request. */
  observe({ content, atMs }: ComparableAnswer, target: string): void {
    this.#visit('', content, 0, { atMs, target })
  }

  /** Answers of the monolith to one request, in the order in which they came; at least three. Each was observed before. */
  learn(answers: readonly ComparableAnswer[]): void {
    this.#series++
    const changes = new Map<string, Difference[]>()
    for (let index = 1; index < answers.length; index++) {
      const [before, after] = [answers[index - 1]!, answers[index]!]
      this.#pairLists('', before.content, after.content, 0)
      for (const difference of compareAnswers(before, after, this.#raw).differences) {
        const there = changes.get(difference.path)
        if (there === undefined) changes.set(difference.path, [difference])
        else there.push(difference)
      }
    }
    for (const differences of changes.values()) {
      if (differences.length === 1) this.#changedOnce++
      else this.#evidenceFor(differences[0]!.field)?.noteEvent(differences, this.#series)
    }
    for (const evidence of this.#fields.values()) evidence.noteSeries(this.#series)
  }

  #evidenceFor(field: string): FieldEvidence | undefined {
    let evidence = this.#fields.get(field)
    if (evidence === undefined && this.#fields.size < FIELDS_MAX) this.#fields.set(field, (evidence = new FieldEvidence()))
    return evidence
  }

  #visit(field: string, value: Json, depth: number, at: { readonly atMs: number; readonly target: string }): void {
    if (depth > DEPTH_MAX) return
    this.#fields.get(field)?.noteSample(value, at.atMs, at.target)
    if (isArray(value)) {
      this.#listFor(field)?.note(value)
      const element = elementOf(field)
      for (const each of value) this.#visit(element, each, depth + 1, at)
    } else if (isObject(value)) {
      if (depth > 0) this.#noteNames(field, value)
      const isMap = this.isMap(field)
      for (const key of Object.keys(value)) this.#visit(memberField(field, key, isMap, depth), value[key]!, depth + 1, at)
    }
  }

  #pairLists(field: string, a: Json, b: Json, depth: number): void {
    if (depth > DEPTH_MAX) return
    if (isArray(a) && isArray(b)) this.#lists.get(field)?.notePair(a, b)
    else if (isObject(a) && isObject(b)) {
      const isMap = this.isMap(field)
      for (const key of Object.keys(a))
        if (Object.hasOwn(b, key)) this.#pairLists(memberField(field, key, isMap, depth), a[key]!, b[key]!, depth + 1)
    }
  }

  #listFor(field: string): ListEvidence | undefined {
    let evidence = this.#lists.get(field)
    if (evidence === undefined && this.#lists.size < FIELDS_MAX) this.#lists.set(field, (evidence = new ListEvidence()))
    return evidence
  }

  #noteNames(field: string, value: object): void {
    const names = this.#names.get(field)
    if (names === 'map' || (names === undefined && this.#names.size >= FIELDS_MAX)) return
    const all = names ?? new Set()
    if (names === undefined) this.#names.set(field, all)
    for (const name of Object.keys(value)) all.add(name)
    if (all.size > MAP_KEYS_MAX) this.#names.set(field, 'map')
  }
}

/** The parts of an answer have no parent: `status`, not `.status`. */
const memberField = (field: string, key: string, isMap: boolean, depth: number): string =>
  depth === 0 ? key : fieldOfMember(field, key, isMap)
