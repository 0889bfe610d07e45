// What a question mark may stand in (a string, a quoted name, a comment), or else a parameter.
const TOKENS = /'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\/|\?(\d*)/g

/**
 * A statement with SQLite's parameters (`?`, `?2`) as PostgreSQL takes it. As there, a bare `?` is one more than the highest number before it. The library's own
 * statements have none, and stay the texts by which they are prepared.
 */
export function numbered(sql: string): string {
  if (!sql.includes('?')) return sql
  let highest = 0
  return sql.replaceAll(TOKENS, (token, number?: string) => {
    if (!token.startsWith('?')) return token
    const index = number === undefined || number === '' ? highest + 1 : Number(number)
    highest = Math.max(highest, index)
    return `$${index}`
  })
}
