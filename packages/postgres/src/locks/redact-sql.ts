// What a statement may say of people's data: strings of any kind, numbers, and comments, in which anything may stand. In an E-string a backslash escapes, in others
// it does not; comments nest. Only what is known to be a name, an operator or a parameter stays.
const TOKENS = new RegExp(
  [
    String.raw`(?<comment>--[^\n]*|\/\*(?:\/\*[^]*?\*\/|[^])*?(?:\*\/|$))`,
    String.raw`\be'(?:[^'\\]|''|\\[^])*(?:'|$)`,
    String.raw`(?:\b[bnx]|\bu&)?'(?:[^']|'')*(?:'|$)`,
    String.raw`(?<name>"(?:[^"]|"")*"|\$\d+|[\p{L}_][\p{L}\p{N}_$]*)`,
    String.raw`\$(?<tag>(?:[\p{L}_][\p{L}\p{N}_]*)?)\$[^]*?(?:\$\k<tag>\$|$)`,
    String.raw`\.?\d[\w.]*(?:(?<=e)[+-]\d+)?`,
  ].join('|'),
  'giu',
)
const CHARACTERS_MAX = 1_000

/**
 * A statement without its literals and comments, as one line: `UPDATE account SET cents = ? WHERE id = ?`. Where PostgreSQL cut it off inside of a literal, the
 * rest is taken for one.
 */
export function redactSql(sql: string): string {
  return sql
    .slice(0, CHARACTERS_MAX)
    .replace(TOKENS, (_found, ...rest: unknown[]) => {
      const { comment, name } = rest.at(-1) as { comment?: string; name?: string }
      return comment === undefined ? (name ?? '?') : ' '
    })
    .replaceAll(/\s+/g, ' ')
    .trim()
}
