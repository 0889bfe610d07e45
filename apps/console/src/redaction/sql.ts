// Strings, quoted or between dollars, and numbers. A name may hold digits, so that a number begins at a boundary.
const LITERALS =
  /'(?:[^']|'')*(?:'|$)|\$(?<tag>\w*)\$[^]*?(?:\$\k<tag>\$|$)|\b0x[0-9a-f]+\b|(?<![\w.$:@?])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?\b/gi
// Names in the standard's SQL, strings in MySQL's.
const DOUBLE_QUOTED = /"(?:[^"\\]|\\.|"")*(?:"|$)/g
const COMMENTS = /--[^\n]*|\/\*[^]*?(?:\*\/|$)/g

/** Databases whose double quotes stand around names. In others they may stand around strings. */
const QUOTES_NAMES = /^(?:postgres|sqlite|oracle|db2|cockroach|mssql|microsoft\.sql)/

/**
 * A statement of SQL without its literals and comments, as OpenTelemetry's conventions ask for (`db.query.text`, "sanitization"). Not a parser: where it is in doubt it takes
 * away too much.
 */
export function withoutLiterals(statement: string, system = ''): string {
  const bare = statement.replace(COMMENTS, ' ').replace(LITERALS, '?')
  return QUOTES_NAMES.test(system) ? bare : bare.replace(DOUBLE_QUOTED, '?')
}

// From the last `select` before a `from`: a text of many would otherwise be read two thousand characters far from each of them.
const SQL =
  /\b(?:select\b(?:(?!\bselect\b)[^]){0,2000}?\bfrom|insert\s+into|update\b(?:(?!\bupdate\b)[^]){0,500}?\bset|delete\s+from|merge\s+into|call\s+\w|alter\s+(?:user|role)|create\s+(?:user|role))\b/i

/** Whether a text holds a statement, as messages of drivers do. */
export function holdsSql(text: string): boolean {
  return SQL.test(text)
}

/** A command of another database: its name and what it works on, without what it stores. */
export function commandAlone(command: string): string {
  try {
    return JSON.stringify(withoutValues(JSON.parse(command)))
  } catch {
    const [name = '', on, ...rest] = command.trim().split(/\s+/)
    return [name, ...(on === undefined ? [] : [rest.length === 0 ? '?' : on]), ...(rest.length === 0 ? [] : ['?'])].join(' ')
  }
}

function withoutValues(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? [] : [withoutValues(value[0])]
  if (typeof value !== 'object' || value === null) return '?'
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutValues(inner)]))
}
