import { types as pgTypes } from 'pg'
import type { SqlValue } from 'seaworthy/core'

/** Whole numbers of 64 bits as numbers while they are exact, as bigint beyond that; everything else as pg reads it. */
export const rowTypes = {
  getTypeParser: ((oid: Parameters<typeof pgTypes.getTypeParser>[0], format?: 'text') =>
    oid === pgTypes.builtins.INT8 ? wholeNumber : pgTypes.getTypeParser(oid, format)) as typeof pgTypes.getTypeParser,
}

function wholeNumber(text: string): number | bigint {
  const number = Number(text)
  return Number.isSafeInteger(number) ? number : BigInt(text)
}

/** A parameter as pg takes it. */
export function parameter(value: SqlValue): string | number | Buffer | null {
  if (typeof value === 'bigint') return value.toString()
  // A view, because pg tells bytes by the class of Buffer.
  return value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : value
}

/** Texts as the literal of a text[]. */
export function textArray(values: readonly string[]): string {
  return `{${values.map((value) => `"${value.replaceAll(/["\\]/g, String.raw`\$&`)}"`).join(',')}}`
}

/** Numbers as the literal of a bigint[]. */
export function numberArray(values: readonly number[]): string {
  return `{${values.join(',')}}`
}

/**
 * A name from outside (a key, a message's id, a stream) as a text column can keep it. PostgreSQL's text takes no NUL; so a backslash is
 * doubled, and NUL is `\0`. Different names stay different, and nearly all are as they were.
 */
export function storable(name: string): string {
  return /[\\\0]/.test(name) ? name.replaceAll('\\', String.raw`\\`).replaceAll('\0', String.raw`\0`) : name
}

/** The name that {@link storable} was given. */
export function restored(name: string): string {
  return name.includes('\\') ? name.replaceAll(/\\(.)/g, (_, escaped: string) => (escaped === '0' ? '\0' : escaped)) : name
}
