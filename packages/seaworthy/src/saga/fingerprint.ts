import { createHash } from 'node:crypto'

/** A digest (SHA-256, base64url) of a JSON-able request, the same whatever the order of its properties. */
export function fingerprintOf(request: unknown): string {
  const text: string | undefined = JSON.stringify(request)
  return createHash('sha256')
    .update(text === undefined ? '' : canonical(JSON.parse(text)))
    .digest('base64url')
}

/** JSON with the properties of every object in the order of their names. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const properties = Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1))
  return `{${properties.map(([name, property]) => `${JSON.stringify(name)}:${canonical(property)}`).join()}}`
}
