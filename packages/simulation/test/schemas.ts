import type { Schema } from 'seaworthy/core'

/** A schema that takes whatever comes. */
export function acceptAnything<T>(): Schema<T> {
  return { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value: value as T }) } }
}
