import { SeaworthyError } from 'seaworthy/core'

/** A projection's `listing` threw. Never leaves this chapter. */
export class Unlisted extends Error {}

/** What speaks against a document that was to be written, and will again; undefined where the store itself failed. */
export function refusalOf(error: unknown): unknown {
  if (error instanceof Unlisted) return error.cause
  // JSON knows no cycles and no bigints.
  return error instanceof TypeError || (error instanceof SeaworthyError && error.final) ? error : undefined
}
