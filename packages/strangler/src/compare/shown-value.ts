import { canonicalJson, isArray, isObject, type Json, typeOf } from './json.ts'

export interface ShowingRules {
  /** `shapes` shows of a value no more than its type and length, for answers about people. Default `values`. */
  readonly values?: 'values' | 'shapes'
  /** Fields whose values are not shown, besides those that are called as secrets are. */
  readonly secretFields?: readonly string[]
}

const CHARACTERS_MAX = 120
const SECRET_NAME =
  /pass(?:word|wd|phrase)?$|secret|token|api[-_]?key|authori[sz]ation|cookie|session|csrf|xsrf|signature|private|credential|\b(?:pin|cvv|cvc|iban|ssn|otp)\b|card[-_]?n/i
// A JSON Web Token, a Bearer, an address with a user's name and word, a key in PEM.
const SECRET_VALUE = /^eyJ[\w-]+\.[\w-]+\.|^(?:Bearer|Basic) |\/\/[^/\s:@]+:[^/\s@]+@|-----BEGIN/

/** A value as a report shows it: short, and without what is a secret. */
export function shown(value: Json | undefined, field: string, { values = 'values', secretFields = [] }: ShowingRules = {}): string {
  if (value === undefined) return 'nothing'
  if (secretFields.includes(field) || SECRET_NAME.test(lastName(field)) || /^header\.(?:set-cookie|www-auth)/.test(field))
    return `(secret) ${shapeOf(value)}`
  if (values === 'shapes') return shapeOf(value)
  const text = canonicalJson(withoutSecrets(value, secretFields, field))
  return text.length <= CHARACTERS_MAX ? text : `${text.slice(0, CHARACTERS_MAX - 1)}…`
}

function withoutSecrets(value: Json, secretFields: readonly string[], field: string): Json {
  if (typeof value === 'string') return SECRET_VALUE.test(value) || isCardNumber(value) ? `(secret) ${shapeOf(value)}` : value
  // Enough for what is shown of it.
  if (isArray(value)) return value.slice(0, 20).map((element) => withoutSecrets(element, secretFields, `${field}[]`))
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => {
      const at = `${field}.${key}`
      const isSecret = SECRET_NAME.test(key) || secretFields.includes(at)
      return [key, isSecret ? `(secret) ${shapeOf(member)}` : withoutSecrets(member, secretFields, at)]
    }),
  )
}

const lastName = (field: string): string => /([^.[\]{}]*)[[\]{}]*$/.exec(field)?.[1] ?? ''

function shapeOf(value: Json): string {
  if (typeof value === 'string') return `text of ${value.length} characters`
  if (isArray(value)) return `list of ${value.length}`
  return isObject(value) ? `object of ${Object.keys(value).length}` : typeOf(value)
}

/** 13 to 19 digits with the right check digit (ISO/IEC 7812-1, annex B). */
function isCardNumber(text: string): boolean {
  const digits = text.replaceAll(/[ -]/g, '')
  if (!/^\d{13,19}$/.test(digits)) return false
  let sum = 0
  for (let index = 0; index < digits.length; index++) {
    const digit = Number(digits[digits.length - 1 - index])
    const doubled = index % 2 === 1 ? digit * 2 : digit
    sum += doubled > 9 ? doubled - 9 : doubled
  }
  return sum % 10 === 0
}
