import { elementOf, fieldOfMember } from './field-path.ts'
import { canonicalJson, isArray, isObject, type Json } from './json.ts'
import type { Knowledge, SortKey } from './knowledge.ts'

// A double has 15 to 17 digits: 0.1 + 0.2 and 0.3 are one number to everybody but a computer.
const RELATIVE_ERROR = 1e-12

export function sameValue(a: Json, b: Json): boolean {
  if (a === b) return true
  if (typeof a === 'number' && typeof b === 'number') return Math.abs(a - b) <= RELATIVE_ERROR * Math.max(Math.abs(a), Math.abs(b))
  return false
}

/** A value as a text that tells it from all others, also `1` from `"1"`. */
export const keyText = (value: Json): string => canonicalJson(value)

// Tried in this order while nothing is learned.
const USUAL_KEYS = ['id', '_id', 'uuid', 'key', 'code', 'sku', 'name']

const isScalarKey = (value: Json | undefined): boolean =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint'

/** A field that every element of both lists has, and no two of one list share. */
export function identityOf(a: readonly Json[], b: readonly Json[], learned: readonly string[]): string | undefined {
  const first = a[0] ?? b[0]
  if (first === undefined || !isObject(first)) return undefined
  return [...learned, ...(learned.length === 0 ? USUAL_KEYS : [])].find((key) => isIdentityIn(a, key) && isIdentityIn(b, key))
}

export function isIdentityIn(list: readonly Json[], key: string): boolean {
  const seen = new Set<Json>()
  for (const element of list) {
    if (!isObject(element) || !Object.hasOwn(element, key) || !isScalarKey(element[key])) return false
    seen.add(element[key]!)
  }
  return seen.size === list.length
}

/** An element without what differs by nature. */
export function fingerprint(value: Json, field: string, knowledge: Knowledge): string {
  return canonicalJson(withoutNoise(value, field, knowledge) ?? null)
}

function withoutNoise(value: Json, field: string, knowledge: Knowledge): Json | undefined {
  if (knowledge.toleranceOf(field) !== undefined) return undefined
  if (isArray(value)) return value.map((element) => withoutNoise(element, elementOf(field), knowledge) ?? null)
  if (!isObject(value)) return value
  const isMap = knowledge.isMap(field)
  const members = Object.entries(value).flatMap(([key, member]) => {
    const kept = withoutNoise(member, fieldOfMember(field, key, isMap), knowledge)
    return kept === undefined ? [] : [[key, kept] as const]
  })
  return Object.fromEntries(members)
}

/** How two values of a field are ordered; undefined where they are of no type that a list is sorted by. */
export function orderOf(a: Json | undefined, b: Json | undefined): number | undefined {
  if ((typeof a === 'number' || typeof a === 'bigint') && (typeof b === 'number' || typeof b === 'bigint'))
    return a < b ? -1 : a > b ? 1 : 0
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : a > b ? 1 : 0
  return undefined
}

export const sortValueOf = (element: Json, key: string): Json | undefined =>
  isObject(element) && Object.hasOwn(element, key) ? element[key] : undefined

export function breaksOrder(list: readonly Json[], { key, direction }: SortKey): boolean {
  for (let index = 1; index < list.length; index++) {
    const order = orderOf(sortValueOf(list[index - 1]!, key), sortValueOf(list[index]!, key))
    if (order !== undefined && (direction === 'ascending' ? order > 0 : order < 0)) return true
  }
  return false
}
