import { fieldValues, type RoutableRequest } from '@seaworthy/http-proxy'
import { InvalidInputError } from 'seaworthy/core'

/**
 * Where the key of a user or a tenant stands in a request. A claim is one of the bearer token (RFC 7519), which is read and not verified: a key decides
 * which of two implementations answers, never what they answer.
 */
export type KeySource = { readonly header: string } | { readonly cookie: string } | { readonly claim: string }

/** Where the key of an entity stands in a request: in a parameter of its route's path, as `id` of `/api/notes/:id`, or in one of its query. */
export type EntityKeySource = { readonly path: string } | { readonly query: string }

const KEY_LENGTH_MAX = 256
const TOKEN_LENGTH_MAX = 8_192

/**
 * @returns undefined when the request has none
 * @throws InvalidInputError when it has two: the gateway and the service could take different ones
 */
export function keyOf({ fields }: RoutableRequest, source: KeySource): string | undefined {
  const lines = fields.endToEnd
  if ('header' in source) return single(fieldValues(lines, source.header.toLowerCase()), `header ${source.header}`)
  if ('cookie' in source) return single(cookieValues(lines, source.cookie), `cookie ${source.cookie}`)
  const token = single(fieldValues(lines, 'authorization'), 'header authorization', TOKEN_LENGTH_MAX)
  return token === undefined ? undefined : claimOf(token, source.claim)
}

/**
 * @param path the template of the route
 * @returns undefined when the request has none
 * @throws InvalidInputError when it has two
 */
export function entityKeyOf({ segments, target }: RoutableRequest, source: EntityKeySource, path: string): string | undefined {
  if ('path' in source) return segments[placeOfParameter(path, source.path)]
  const mark = target.indexOf('?')
  return mark === -1
    ? undefined
    : single(new URLSearchParams(target.slice(mark + 1)).getAll(source.query), `query parameter ${source.query}`)
}

/** @returns which segment of a path template it is; -1 where the template has none of that name */
export const placeOfParameter = (path: string, name: string): number => path.split('/').slice(1).indexOf(`:${name}`)

function single(values: readonly string[], what: string, lengthMax = KEY_LENGTH_MAX): string | undefined {
  const [value] = values
  if (values.length > 1 && values.some((each) => each !== value))
    throw new InvalidInputError(`The request has more than one ${what}, and its route depends on that.`)
  return value === undefined || value === '' || value.length > lengthMax ? undefined : value
}

function cookieValues(lines: string, name: string): string[] {
  return fieldValues(lines, 'cookie').flatMap((field) =>
    field.split(';').flatMap((pair) => {
      const [key = '', ...value] = pair.split('=')
      return key.trim() === name && value.length > 0 ? [value.join('=').trim()] : []
    }),
  )
}

function claimOf(authorization: string, claim: string): string | undefined {
  const payload = /^bearer [\w-]+\.([\w-]+)\.[\w-]*$/i.exec(authorization)?.[1]
  if (payload === undefined) return undefined
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString())
    if (typeof claims !== 'object' || claims === null || !Object.hasOwn(claims, claim)) return undefined
    const value = (claims as Record<string, unknown>)[claim]
    return (typeof value === 'string' && value !== '' && value.length <= KEY_LENGTH_MAX) || typeof value === 'number'
      ? String(value)
      : undefined
  } catch {
    // Not a token of this kind: the request has no key.
    return undefined
  }
}
