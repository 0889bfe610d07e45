/** A value of a column. Numbers stand for bigint and double precision, byte arrays for bytea. */
export type Value = string | number | boolean | null | Uint8Array

export type Row = Readonly<Record<string, Value>>

/** What a condition comes to: SQL's `unknown` is null. */
export type Truth = boolean | null

/** A text that is the same for equal values and differs for others, so that values can be found in a map. */
export function identityOf(values: readonly Value[]): string {
  return JSON.stringify(values.map((value) => (value instanceof Uint8Array ? { bytes: Buffer.from(value).toString('hex') } : value)))
}

/** Orders two values of one type, neither null: numbers by size, text by code points (the collation "C"), bytes by bytes, false before true. */
export function compareValues(one: Value, other: Value): number {
  if (typeof one === 'string' && typeof other === 'string') return Buffer.compare(Buffer.from(one), Buffer.from(other))
  if (one instanceof Uint8Array && other instanceof Uint8Array) return Buffer.compare(one, other)
  return Math.sign(Number(one) - Number(other))
}
