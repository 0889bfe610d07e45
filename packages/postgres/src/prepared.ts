const names = new Map<string, string>()

/**
 * Marks a statement of the library's own, which runs often: each session parses it once, under a name, and PostgreSQL keeps its plan. Statements of
 * users are not marked: whatever text they make would stay in every session.
 */
export function prepared(sql: string): string {
  if (!names.has(sql)) names.set(sql, `seaworthy_${names.size + 1}`)
  return sql
}

/** The name of a statement that was marked. */
export function preparedName(sql: string): string | undefined {
  return names.get(sql)
}
