import type { DifferenceKind } from './difference.ts'
import type { Json } from './json.ts'

/** When two answers came, on the wall clock. */
export interface AnswerTimes {
  readonly expectedAtMs: number
  readonly actualAtMs: number
}

/** Why a value of a field that differs by nature is a difference all the same. */
export interface Objection {
  readonly kind: DifferenceKind
  readonly detail: string
}

/** How a field differs between two answers of the monolith to one request. */
export interface Tolerance {
  /** The field, or the element, is not always there. */
  readonly isAbsentAtTimes: boolean
  /** The list has its elements now in this order, now in that. */
  readonly isReordered: boolean
  /** The list has now more elements, now fewer. */
  readonly lengths: { readonly min: number; readonly max: number } | undefined
  /** @returns why `actual` is none of what the monolith might have said where it said `expected`; undefined where it might */
  objectionTo(expected: Json, actual: Json, times: AnswerTimes): Objection | undefined
}

/** In whose order a list always is. */
export interface SortKey {
  readonly key: string
  readonly direction: 'ascending' | 'descending'
}

/** What is known of an endpoint when two answers of it are compared. */
export interface Knowledge {
  /** The names of an object are data: `stockByWarehouse`. */
  isMap(field: string): boolean
  /** Fields that tell the elements of a list apart, the best one first. */
  identityKeysOf(list: string): readonly string[]
  sortKeysOf(list: string): readonly SortKey[]
  /** Undefined where the field is always the same. */
  toleranceOf(field: string): Tolerance | undefined
}

/** What can be told before anything was learned. */
export const NO_KNOWLEDGE: Knowledge = {
  isMap: () => false,
  identityKeysOf: () => [],
  sortKeysOf: () => [],
  toleranceOf: () => undefined,
}
