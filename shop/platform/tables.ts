import type { Database } from 'seaworthy/core'
import type { SchemaComponent } from 'seaworthy/sqlite'

/** What differs between the engines in a table's declaration; what else stands there, both understand. */
export interface TableDialect {
  /** A whole number of 64 bits. */
  readonly integer: 'INTEGER' | 'BIGINT'
  /** What stands after the columns: SQLite checks types only if asked to. */
  readonly strict: 'STRICT, WITHOUT ROWID' | ''
}

const DIALECTS: Readonly<Record<Database['dialect'], TableDialect>> = {
  sqlite: { integer: 'INTEGER', strict: 'STRICT, WITHOUT ROWID' },
  postgres: { integer: 'BIGINT', strict: '' },
}

/** A service's own tables, in the words of the engine that its database is on. */
export type ServiceSchema = (dialect: Database['dialect']) => SchemaComponent

/** Declares tables, version after version: what was released is never edited, only followed. */
export function tables(component: string, ...versions: readonly ((dialect: TableDialect) => string)[]): ServiceSchema {
  return (dialect) => ({ component, versions: versions.map((version) => version(DIALECTS[dialect])) })
}
