import { createHash } from 'node:crypto'
import type { KeyValue } from '../otlp/model.ts'

/** What a file says, of which nothing is known beforehand. */
export type Fields = Readonly<Record<string, unknown>>

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function fields(value: unknown): Fields {
  return isFields(value) ? value : {}
}

export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

export function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined
}

/**
 * An id of OTLP's length. One that is shorter gets zeros in front, as other tools give it; what is no hexadecimal number, or longer, becomes one by its hash: the same for the same text.
 */
export function idOf(id: string, digits: 16 | 32): string {
  const hex = id.toLowerCase()
  if (/^[0-9a-f]+$/.test(hex) && hex.length <= digits && !/^0+$/.test(hex)) return hex.padStart(digits, '0')
  return createHash('sha256').update(id).digest('hex').slice(0, digits)
}

/** Microseconds since the epoch, with fractions if need be, as nanoseconds. Undefined for what is no time. */
export function nanosOf(us: unknown): string | undefined {
  const number = Number(us)
  if (us === null || us === '' || !Number.isFinite(number) || number < 0) return undefined
  const whole = Math.trunc(number)
  return (BigInt(whole) * 1_000n + BigInt(Math.round((number - whole) * 1_000))).toString()
}

export function stringAttribute(key: string, value: string | undefined): readonly KeyValue[] {
  return value === undefined || value === '' ? [] : [{ key, value: { stringValue: value } }]
}
