import { createHash } from 'node:crypto'
import type { Listing } from './read-store.ts'

/** A fingerprint of a document and its listing: equal for equal content, in whatever order its fields are stored. 64 hexadecimal digits of SHA-256. */
export function checksum(document: unknown, listing: Listing | undefined): string {
  return createHash('sha256')
    .update(JSON.stringify(sorted([document, listing && [listing.in, listing.at]])) ?? '')
    .digest('hex')
}

/** As JSON would store it, with the fields of every object in one order. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if ('toJSON' in value && typeof value.toJSON === 'function') return sorted((value.toJSON as () => unknown)())
  if (Array.isArray(value)) return value.map(sorted)
  const fields = Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1))
  return Object.fromEntries(fields.map(([name, field]) => [name, sorted(field)]))
}
