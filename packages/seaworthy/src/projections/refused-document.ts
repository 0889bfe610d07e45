import { SeaworthyError } from 'seaworthy/core'
import type { DocumentChange } from './read-store.ts'

/** A projection's `listing` threw. Never leaves this chapter. */
export class Unlisted extends Error {}

/** What speaks against documents that were to be written, and will again; undefined where the store itself failed. */
export function refusalOf(error: unknown, changes: readonly DocumentChange[]): unknown {
  if (error instanceof Unlisted) return error.cause
  if (error instanceof SeaworthyError) return error.final ? error : undefined
  return changes.every(({ document }) => isJson(document)) ? undefined : error
}

/** JSON knows no cycles and no bigints. */
function isJson(document: unknown): boolean {
  try {
    JSON.stringify(document)
    return true
  } catch {
    return false
  }
}
