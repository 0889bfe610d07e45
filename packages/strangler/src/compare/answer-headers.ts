import type { Json, JsonObject } from './json.ts'

/** Which headers of an answer are compared, besides {@link IGNORED_HEADERS}. */
export interface HeaderRules {
  /** Not compared. In lower case. */
  readonly ignore?: readonly string[]
}

/** A name in any case, and its value. */
export type HeaderLine = readonly [name: string, value: string]

/**
 * What says nothing about the answer, but about the connection, the program or the moment. `content-length` follows from the body, which
 * is compared itself.
 */
export const IGNORED_HEADERS: ReadonlySet<string> = new Set([
  'age',
  'alt-svc',
  'connection',
  'content-length',
  'date',
  'keep-alive',
  'nel',
  'proxy-connection',
  'report-to',
  'server',
  'server-timing',
  'traceparent',
  'tracestate',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'via',
  'x-correlation-id',
  'x-powered-by',
  'x-request-id',
  'x-response-time',
  'x-runtime',
])

/** Lists without an order (RFC 9110, section 5.6.1). */
const UNORDERED_LISTS: ReadonlySet<string> = new Set([
  'access-control-allow-headers',
  'access-control-allow-methods',
  'access-control-expose-headers',
  'allow',
  'cache-control',
  'vary',
])

/** The headers that count, as a value that is compared like a body. */
export function comparableHeaders(lines: readonly HeaderLine[], { ignore = [] }: HeaderRules = {}): JsonObject {
  const values = new Map<string, string[]>()
  for (const [name, value] of lines) {
    const key = name.toLowerCase()
    if (IGNORED_HEADERS.has(key) || ignore.includes(key)) continue
    const there = values.get(key)
    if (there === undefined) values.set(key, [value.trim()])
    else there.push(value.trim())
  }
  return Object.fromEntries([...values].map(([name, all]) => [name, comparable(name, all)]))
}

function comparable(name: string, values: readonly string[]): Json {
  const joined = values.join(', ')
  if (name === 'set-cookie') return Object.fromEntries(values.map(cookieOf))
  // Two programs have their own ways to compute it; whether there is one, and how strong, is what a client depends on.
  if (name === 'etag') return joined.startsWith('W/') ? 'weak' : 'strong'
  if (name === 'content-type') return contentType(joined)
  if (UNORDERED_LISTS.has(name)) {
    const items = joined
      .toLowerCase()
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '')
    return [...new Set(items)].toSorted().join(', ')
  }
  return joined
}

/** `application/json` and `application/json; charset=utf-8` are the same (RFC 8259, section 11). */
function contentType(value: string): string {
  const [type = '', ...parameters] = value
    .toLowerCase()
    .split(';')
    .map((part) => part.trim().replaceAll('"', ''))
  const counted = isJsonType(type) ? parameters.filter((parameter) => parameter !== 'charset=utf-8') : parameters
  return [type, ...counted.toSorted()].join('; ')
}

export const isJsonType = (type: string): boolean => /^application\/(?:[\w.+-]+\+)?json$|^text\/json$/.test(type)

/** A cookie's value and its attributes, each by its name. */
function cookieOf(line: string): readonly [name: string, cookie: Json] {
  const [pair = '', ...attributes] = line.split(';').map((part) => part.trim())
  const [name, value] = splitAt(pair)
  const named = attributes.map((attribute) => {
    const [key, text] = splitAt(attribute)
    return [key.toLowerCase(), text] as const
  })
  return [name, { value, ...Object.fromEntries(named) }]
}

function splitAt(text: string): readonly [string, string] {
  const at = text.indexOf('=')
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}
