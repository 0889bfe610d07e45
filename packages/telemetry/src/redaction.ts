/** What stands where a secret stood. */
export const REDACTED = '[redacted]'

// Endings, so that `x-api-key`, `newPassword` and `http.request.header.cookie` are met too. Case, `-`, `_` and `.` do not count.
const SECRET_NAME =
  /(?:authorization|cookies?|passwords?|passwd|passphrase|secrets?|tokens?|apikey|privatekey|credentials?|cards?|cardnumber|cvc|cvv|iban)$/

const NAMES_MAX = 10_000
const names = new Map<string, boolean>()

/** True when a value of this name must not be stored. */
export function isSecretName(name: string): boolean {
  let secret = names.get(name)
  if (secret === undefined) {
    secret = SECRET_NAME.test(name.toLowerCase().replaceAll(/[-_.\s]/g, ''))
    // Names are few, unless somebody makes keys of data: then the memory is bounded and the names are tested again.
    if (names.size >= NAMES_MAX) names.clear()
    names.set(name, secret)
  }
  return secret
}

// `--password` of a command, `Authorization` of a list of raw headers.
const NAME_IN_LIST = /^-{0,2}(?<name>[\w.-]{2,60})$/

/** True when this stands in a list as the name of what comes after it, and that must not be stored. */
export function isSecretNameInList(item: unknown): boolean {
  const name = typeof item === 'string' ? NAME_IN_LIST.exec(item)?.groups?.['name'] : undefined
  return name !== undefined && isSecretName(name)
}

// What gives a secret away in running text, safe to apply to a line of JSON: no pattern crosses a quote or a backslash. Cards that pay begin with 2 to 6 (ISO/IEC 7812),
// times since 1970 with 1.
const SECRETS_IN_TEXT =
  /\b(?<scheme>bearer|basic)\s+[\w.~+/=-]{8,}|:\/\/(?<user>[^\s:/@"\\]*):[^\s/@"\\]+@|\b(?<name>password|passwd|pwd|secret|token|access_token|refresh_token|api[-_]?key|client_secret)=[^\s&;,"'\\]+|\b[2-6](?:[ -]?\d){12,18}\b/gi

interface Found {
  readonly scheme?: string
  readonly user?: string
  readonly name?: string
}

/** The text without credentials, bearer tokens and payment card numbers. */
export function redactText(text: string): string {
  return text.replace(SECRETS_IN_TEXT, (found, ...rest: unknown[]) => safeInPlaceOf(found, rest.at(-1) as Found))
}

/** The same of a line of JSON, which is a line of JSON again: what stands where a number stood is in quotes. */
export function redactLine(line: string): string {
  return line.replace(SECRETS_IN_TEXT, (found, ...rest: unknown[]) => {
    const safe = safeInPlaceOf(found, rest.at(-1) as Found)
    return safe === REDACTED && isNumberOfJson(line, rest.at(-3) as number, found.length) ? `"${safe}"` : safe
  })
}

function safeInPlaceOf(found: string, { scheme, user, name }: Found): string {
  if (scheme !== undefined) return `${scheme} ${REDACTED}`
  if (user !== undefined) return `://${user}:${REDACTED}@`
  if (name !== undefined) return `${name}=${REDACTED}`
  return isCardNumber(found) ? REDACTED : found
}

/** After the name of a field, or in a list. In a text the quote before the colon would have a backslash. */
function isNumberOfJson(line: string, start: number, length: number): boolean {
  return (
    /(?:[^\\]":|[[,])$/.test(line.slice(Math.max(0, start - 3), start)) && /^[,}\]]/.test(line.slice(start + length, start + length + 1))
  )
}

/** The check digit of ISO/IEC 7812 (Luhn's formula): ids are long numbers too. */
function isCardNumber(text: string): boolean {
  let sum = 0
  let position = 0
  for (let index = text.length - 1; index >= 0; index--) {
    const digit = text.charCodeAt(index) - 48
    if (digit < 0 || digit > 9) continue
    const doubled = position % 2 === 1 ? digit * 2 : digit
    sum += doubled > 9 ? doubled - 9 : doubled
    position++
  }
  return sum % 10 === 0
}

/** Enough for whatever is shown to a person. */
const SHOWN_NODES_MAX = 100_000

/** JSON for people, without secrets: neither those that a field's name gives away nor those that their form does. */
export function redactedJson(value: unknown): string {
  return redactLine(JSON.stringify(redactValue(value, SHOWN_NODES_MAX), null, 2) ?? 'null')
}

const DEPTH_MAX = 16
const NODES_MAX = 5_000
const CIRCULAR = '[circular]'

/**
 * A copy in which the values of secret names are replaced; the value itself when there are none. Objects of classes are looked into as JSON would print them.
 * What is deeper than sixteen, or beyond so many objects and lists, is replaced too: a socket that is logged by mistake holds half of the process.
 */
export function redactValue(value: unknown, nodesMax = NODES_MAX): unknown {
  return redactNode(value, { around: [], left: { nodes: nodesMax } })
}

interface Walk {
  /** What the value stands in, from the outermost. */
  readonly around: readonly object[]
  readonly left: { nodes: number }
}

function redactNode(value: unknown, { around, left }: Walk): unknown {
  if (value === null || typeof value !== 'object') return value
  // In place of itself it would print once more what is replaced here.
  if (around.includes(value)) return CIRCULAR
  if (around.length >= DEPTH_MAX || left.nodes-- <= 0) return REDACTED
  const inner: Walk = { around: [...around, value], left }
  if (Array.isArray(value)) {
    const items = value.map((item: unknown, index) =>
      typeof item === 'string' && index > 0 && isSecretNameInList(value[index - 1]) ? REDACTED : redactNode(item, inner),
    )
    return items.some((item, index) => item !== value[index]) ? items : value
  }
  if (ArrayBuffer.isView(value)) return value
  if ('toJSON' in value && typeof value.toJSON === 'function') {
    const json: unknown = value.toJSON()
    const redacted = redactNode(json, inner)
    return redacted === json ? value : redacted
  }
  let copy: Record<string, unknown> | undefined
  for (const [name, field] of Object.entries(value)) {
    const redacted = isSecretName(name) ? REDACTED : redactNode(field, inner)
    if (redacted === field) continue
    copy ??= { ...value }
    copy[name] = redacted
  }
  return copy ?? value
}
