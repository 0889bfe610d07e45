/**
 * Reads what a sender of any language and version wrote: numbers may be strings, enums may be names, lists may be missing.
 */

// Unsigned 64 bits hold twenty digits; the store counts microseconds in a double, which is exact until the year 2255.
const NANOS_MAX = 9_000_000_000_000_000_000n
const NINETEEN_DIGITS = /^[1-8]\d{18}$/
/** Not all zero. */
const ID = /^(?!0+$)[0-9a-f]+$/i
const UPPER_CASE = /[A-F]/

export function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}

/** @throws TypeError when it is there and no list */
export function list(value: unknown, name: string): readonly unknown[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw new TypeError(`${name} is no list.`)
  return value
}

export function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** Attributes that are key and value; others would break every reader behind. */
export function keyValues(value: unknown): readonly { key: string }[] {
  if (!Array.isArray(value)) return []
  return value.every(isKeyValue) ? value : value.filter(isKeyValue)
}

function isKeyValue(each: unknown): each is { key: string } {
  if (typeof each !== 'object' || each === null) return false
  const { key, value } = each as { readonly key?: unknown; readonly value?: unknown }
  return typeof key === 'string' && (value === undefined || (typeof value === 'object' && value !== null))
}

/** A resource with attributes that can be read; undefined when there is none. */
export function resourceOf(value: unknown): { readonly attributes: readonly { key: string }[] } | undefined {
  return typeof value === 'object' && value !== null ? { ...value, attributes: keyValues(field(value, 'attributes')) } : undefined
}

/** An id in lower-case hex; undefined for what is none. All zero is none. */
export function id(value: unknown, length: 16 | 32): string | undefined {
  if (typeof value !== 'string' || value.length !== length || !ID.test(value)) return undefined
  return UPPER_CASE.test(value) ? value.toLowerCase() : value
}

/** Absent, empty and all zero all mean that there is none. */
export function isNoId(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === 'string' && /^0*$/.test(value))
}

/** Nanoseconds since the epoch as digits; undefined for what is no time. */
export function nanos(value: unknown): string | undefined {
  // Nearly all are nineteen digits and need no arithmetic.
  if (typeof value === 'string' && NINETEEN_DIGITS.test(value)) return value
  const digits = typeof value === 'number' && Number.isFinite(value) ? BigInt(Math.trunc(value)).toString() : text(value)
  return digits === undefined || !/^\d{1,20}$/.test(digits) || BigInt(digits) > NANOS_MAX ? undefined : BigInt(digits).toString()
}

export function enumeration(value: unknown, names: Readonly<Record<string, number>>): number {
  const number = typeof value === 'string' ? (names[value] ?? Number(value)) : Number(value ?? 0)
  return Number.isInteger(number) ? number : 0
}
