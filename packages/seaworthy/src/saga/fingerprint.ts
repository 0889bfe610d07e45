import { createHash } from 'node:crypto'

/** A digest (SHA-256, base64url) of a JSON-able request, the same whatever the order of its properties. */
export function fingerprintOf(request: unknown): string {
  const text: string | undefined = JSON.stringify(request, (_, value: unknown) => (isPlain(value) ? sorted(value) : value))
  return createHash('sha256')
    .update(text ?? '')
    .digest('base64url')
}

function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function sorted(value: object): object {
  // A Map's entries keep their order and their names: an object would put names made of digits first, and take "__proto__" for its prototype.
  return Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1))
}
