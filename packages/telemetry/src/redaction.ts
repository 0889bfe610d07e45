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

// What gives a secret away in running text, safe to apply to a line of JSON: no pattern crosses a quote or a backslash.
const SECRETS_IN_TEXT =
  /\b(?<scheme>bearer|basic)\s+[\w.~+/=-]{8,}|:\/\/(?<user>[^\s:/@"\\]*):[^\s/@"\\]+@|\b(?<name>password|passwd|pwd|secret|token|access_token|refresh_token|api[-_]?key|client_secret)=[^\s&;,"'\\]+|\b\d(?:[ -]?\d){12,18}\b/gi

/** The text without credentials, bearer tokens and payment card numbers. */
export function redactText(text: string): string {
  return text.replace(SECRETS_IN_TEXT, (found, ...rest: unknown[]) => {
    const groups = rest.at(-1) as { scheme?: string; user?: string; name?: string }
    if (groups.scheme !== undefined) return `${groups.scheme} ${REDACTED}`
    if (groups.user !== undefined) return `://${groups.user}:${REDACTED}@`
    if (groups.name !== undefined) return `${groups.name}=${REDACTED}`
    return isCardNumber(found) ? REDACTED : found
  })
}

/** The check digit of ISO/IEC 7812 (Luhn's formula): ids and times in milliseconds are long numbers too. */
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

/** JSON for people, without secrets: neither those that a field's name gives away nor those that their form does. */
export function redactedJson(value: unknown): string {
  return redactText(JSON.stringify(redactValue(value), null, 2) ?? 'null')
}

const DEPTH_MAX = 8

/** A copy in which the values of secret names are replaced, to a depth of 8; the value itself when there are none. */
export function redactValue(value: unknown, depth = 0): unknown {
  if (value === null || typeof value !== 'object' || depth >= DEPTH_MAX) return value
  if (Array.isArray(value)) {
    const items = value.map((item) => redactValue(item, depth + 1))
    return items.some((item, index) => item !== value[index]) ? items : value
  }
  // Dates, buffers and the like know how to print themselves.
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return value
  let copy: Record<string, unknown> | undefined
  for (const [name, field] of Object.entries(value)) {
    const redacted = isSecretName(name) ? REDACTED : redactValue(field, depth + 1)
    if (redacted === field) continue
    copy ??= { ...value }
    copy[name] = redacted
  }
  return copy ?? value
}
