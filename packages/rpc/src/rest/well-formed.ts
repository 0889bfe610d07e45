import { InvalidInputError } from 'seaworthy/core'

/**
 * Refuses text with half a surrogate pair in it, which JSON can carry (`"\ud800"`) and UTF-8 cannot: it could be stored, and then never be sent on, put
 * into a path or compared with what a database gives back.
 * @throws InvalidInputError naming the first field that has such text
 */
export function assertWellFormed(body: unknown, what: string): void {
  // A list instead of recursion: bodies may be nested deeper than the stack is.
  const unchecked: { readonly value: unknown; readonly path: string }[] = [{ value: body, path: '' }]
  for (let next = unchecked.pop(); next !== undefined; next = unchecked.pop()) {
    const { value, path } = next
    if (typeof value === 'string') {
      if (!value.isWellFormed()) throw illFormed(what, path)
    } else if (Array.isArray(value)) {
      for (let index = value.length - 1; index >= 0; index--) unchecked.push({ value: value[index], path: `${path}[${index}]` })
    } else if (typeof value === 'object' && value !== null) {
      for (const [name, member] of Object.entries(value).toReversed()) {
        if (!name.isWellFormed()) throw illFormed(what, path)
        unchecked.push({ value: member, path: path === '' ? name : `${path}.${name}` })
      }
    }
  }
}

function illFormed(what: string, field: string): InvalidInputError {
  const message = 'Expected text that is well-formed Unicode'
  return new InvalidInputError(`${what} is not valid: ${field === '' ? message : `${field}: ${message}`}.`, [{ field, message }])
}
