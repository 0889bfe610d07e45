import { ConfigurationError } from 'seaworthy/core'
import type { Condition, Expression } from './expression.ts'

export type ColumnType = 'bigint' | 'double precision' | 'text' | 'boolean' | 'bytea'

export interface Column {
  readonly type: ColumnType
  readonly nullable?: boolean
  /** What an INSERT puts here that leaves the column out. Default null. */
  readonly default?: Expression
}

export interface Table {
  readonly columns: Readonly<Record<string, Column>>
  readonly primaryKey?: readonly string[]
  /** Further unique constraints, each by its columns. */
  readonly unique?: readonly (readonly string[])[]
  readonly check?: Condition
}

/** Tables and sequences by their names. They are there from the start: statements that change a schema are not modelled. */
export interface Schema {
  readonly tables: Readonly<Record<string, Table>>
  readonly sequences?: readonly string[]
}

/** A unique constraint with the name that PostgreSQL would give it. */
export interface UniqueConstraint {
  readonly name: string
  readonly columns: readonly string[]
}

/** The unique constraints of a table in the order in which PostgreSQL checks them: the primary key first. */
export function uniqueConstraints(name: string, table: Table): readonly UniqueConstraint[] {
  const primary = table.primaryKey === undefined ? [] : [{ name: `${name}_pkey`, columns: table.primaryKey }]
  return [...primary, ...(table.unique ?? []).map((columns) => ({ name: `${name}_${columns.join('_')}_key`, columns }))]
}

/** True when the column takes no null: by its own word, or as a part of the primary key. */
export function isRequired(table: Table, name: string): boolean {
  return table.columns[name]?.nullable !== true || table.primaryKey?.includes(name) === true
}

/** @throws ConfigurationError when a constraint names a column that is not there */
export function assertSchema(schema: Schema): void {
  for (const [name, table] of Object.entries(schema.tables)) {
    for (const constraint of uniqueConstraints(name, table)) {
      const unknown = constraint.columns.filter((column) => table.columns[column] === undefined)
      if (unknown.length > 0 || constraint.columns.length === 0) {
        throw new ConfigurationError(
          `Constraint ${constraint.name} names ${unknown.join(', ') || 'no column'}; table ${name} has none such.`,
        )
      }
    }
  }
}
