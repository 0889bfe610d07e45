import { REDACTED, redactText } from '@seaworthy/telemetry/redaction'
import { RecentTexts } from './recent-texts.ts'
import { holdsSql, withoutLiterals } from './sql.ts'

// Most attributes are short words without any of these, and nothing else could give a secret away.
const SUSPICIOUS = /[=:@?'"($#]|--|\d{4}|bearer|basic|where|values/i
/** What stands before the host of an address. */
const USERINFO = /:\/\/[^\s/@"'\\?#]+@/g
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
  if (safe.includes('?')) safe = behindPaths(safe, '?', /[\s#"'<>\\]/g, safeQuery)
  if (safe.includes('#')) safe = behindPaths(safe, '#', /[\s"'<>\\]/g, safeFragment)
  if (holdsSql(safe)) safe = withoutLiterals(safe, 'sqlite').replaceAll(/(?<=[=(,]\s*)"[^"\n]*"/g, '?')
  if (DETAILED.test(safe)) for (const [pattern, replacement] of DATABASE_DETAILS) safe = safe.replace(pattern, replacement)
  return safe
}

/**
 * Replaces what stands behind `mark` in each address or path, up to what matches `end`. By steps and not by one pattern, which looks from every slash to the end of the
 * text: base64 has thousands of slashes.
 */
function behindPaths(text: string, mark: '?' | '#', end: RegExp, replaced: (behind: string) => string): string {
  let safe = ''
  let done = 0
  for (let at = text.indexOf(mark); at !== -1; at = text.indexOf(mark, Math.max(at + 1, done))) {
    end.lastIndex = at + 1
    if (!endsInPath(text, at, mark)) continue
    const stop = end.exec(text)?.index ?? text.length
    safe += text.slice(done, at + 1) + replaced(text.slice(at + 1, stop))
    done = stop
  }
  return safe + text.slice(done)
}

const NO_PATH = /[\s?#"'<>]/

/** Whether a path stands right before a place: a slash, and nothing behind it that ends a path. A fragment may stand behind a query. */
function endsInPath(text: string, place: number, mark: '?' | '#'): boolean {
  for (let at = place - 1; at >= 0; at--) {
    const character = text[at]!
    if (character === '/') return true
    if (NO_PATH.test(character) && !(mark === '#' && character === '?')) return false
  }
  return false
}

/** One that holds values, as those of OAuth's implicit grant do. An anchor stays. */
function safeFragment(fragment: string): string {
  return fragment.includes('=') ? REDACTED : fragment
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
