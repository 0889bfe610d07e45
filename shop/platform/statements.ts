import type { Database, SqlValue, Statement } from 'seaworthy/core'

/** Parameters for a list of values: `?, ?, ?`. */
export function parameters(values: readonly SqlValue[]): string {
  return values.map(() => '?').join(', ')
}

/**
 * One INSERT for a whole batch, in words that both engines understand. At least one row; both take 30,000 values.
 * @param into the table and its columns: `stock (product_id, on_hand)`
 * @param then what follows: `ON CONFLICT (product_id) DO NOTHING`
 */
export function insertAll(into: string, rows: readonly (readonly SqlValue[])[], then: string): Statement {
  return {
    sql: `INSERT INTO ${into} VALUES ${rows.map((row) => `(${parameters(row)})`).join(', ')} ${then}`,
    params: rows.flat(),
  }
}

/**
 * What a SELECT of rows that are about to be changed ends with. Where transactions overlap, two would otherwise read the same row, and the second one's
 * write would undo the first one's.
 */
export function forUpdate({ concurrency }: Pick<Database, 'concurrency'>): 'FOR UPDATE' | '' {
  return concurrency === 'overlapping' ? 'FOR UPDATE' : ''
}
