import { REDACTED, redactText } from '@seaworthy/telemetry/redaction'
import { RecentTexts } from './recent-texts.ts'
import { holdsSql, withoutLiterals } from './sql.ts'

// Most attributes are short words without any of these, and nothing else could give a secret away.
const SUSPICIOUS = /[=:@?'"($#]|--|\d{4}|bearer|basic|where|values/i
/** What stands before the host of an address. */
const USERINFO = /:\/\/[^\s/@"'\\?#]+@/g
/** The query of an address or path: from the question mark on. */
const QUERY = /(?<path>\/[^\s?#"'<>]*)\?(?<query>[^\s#"'<>\\]+)/g
const FRAGMENT = /(?<path>\/[^\s#"'<>]*)#(?<fragment>[^\s"'<>\\]*=[^\s"'<>\\]*)/g
/** `Key (email)=(ada@example.com) already exists`, `Failing row contains (…)`, `Duplicate entry 'x'`, `invalid input syntax for type uuid: "x"`. */
const DATABASE_DETAILS = [
  [/(?<=\)\s?=\s?)\([^)\n]*\)?/g, `(${REDACTED})`],
  [/(?<=\brow contains )\([^\n]*/gi, `(${REDACTED})`],
  [/(?<=\bduplicate entry )'[^'\n]*'?/gi, `'${REDACTED}'`],
  [/(?<=\binvalid input [^:\n"]{0,80}: )"[^"\n]*"?/gi, `"${REDACTED}"`],
  [/(?<=\bvalue )"[^"\n]*"(?= is out of range)/gi, `"${REDACTED}"`],
] as const
/** Without one of these no text has details. */
const DETAILED = /[('"]/

const harmless = new RecentTexts()

/** Text as it may be stored: without credentials, values of queries, and literals of SQL. */
export function safeText(text: string): string {
  if (text.length < 4 || harmless.has(text)) return text
  const safe = SUSPICIOUS.test(text) ? searched(text) : text
  // A secret is not remembered.
  if (safe === text) harmless.add(text)
  return safe
}

function searched(text: string): string {
  let safe = text.replace(USERINFO, `://${REDACTED}@`)
  safe = redactText(safe)
  if (safe.includes('?')) safe = safe.replace(QUERY, (_found, path: string, query: string) => `${path}?${safeQuery(query)}`)
  if (safe.includes('#')) safe = safe.replace(FRAGMENT, (_found, path: string) => `${path}#${REDACTED}`)
  if (holdsSql(safe)) safe = withoutLiterals(safe, 'sqlite').replaceAll(/(?<=[=(,]\s*)"[^"\n]*"/g, '?')
  if (DETAILED.test(safe)) for (const [pattern, replacement] of DATABASE_DETAILS) safe = safe.replace(pattern, replacement)
  return safe
}

/** A query with its names alone: any value may be a secret, and no list of names is long enough. */
export function safeQuery(query: string): string {
  return query
    .split('&')
    .map((part) => {
      const equals = part.indexOf('=')
      return equals === -1 ? (part === '' || part === REDACTED ? part : REDACTED) : `${part.slice(0, equals)}=${REDACTED}`
    })
    .join('&')
}
