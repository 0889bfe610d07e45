/** A JSON value. Whole numbers beyond 2^53 are bigints: as doubles, two different identifiers of 19 digits are equal. */
export type Json = Scalar | readonly Json[] | JsonObject
export type Scalar = null | boolean | number | bigint | string
export interface JsonObject {
  readonly [key: string]: Json
}

export type JsonType = 'null' | 'boolean' | 'number' | 'string' | 'array' | 'object'

export function typeOf(value: Json): JsonType {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  const type = typeof value
  return type === 'bigint' ? 'number' : (type as JsonType)
}

export const isObject = (value: Json): value is JsonObject => value !== null && typeof value === 'object' && !Array.isArray(value)
export const isScalar = (value: Json): value is Scalar => value === null || typeof value !== 'object'
export const isArray = (value: Json): value is readonly Json[] => Array.isArray(value)

// Only such a run of digits can lose some as a double.
const LONG_NUMBER = /\d{16}/
const WHOLE = /^-?\d+$/

/** @throws SyntaxError */
export function parseJson(text: string): Json {
  if (!LONG_NUMBER.test(text)) return JSON.parse(text) as Json
  const exact = (_key: string, value: unknown, context?: { readonly source?: string }): unknown =>
    typeof value === 'number' && !Number.isSafeInteger(value) && context?.source !== undefined && WHOLE.test(context.source)
      ? BigInt(context.source)
      : value
  return JSON.parse(text, exact) as Json
}

/** One text for one value, whatever the order of an object's keys. */
export function canonicalJson(value: Json): string {
  if (isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (isObject(value)) {
    const members = Object.keys(value)
      .toSorted()
      .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key]!)}`)
    return `{${members.join(',')}}`
  }
  return typeof value === 'bigint' ? String(value) : JSON.stringify(value)
}
