import type { SqlValue, Statement } from 'seaworthy/core'
import { type Condition, type Expression, isValue } from './expression.ts'
import { type Schema, type Table, isRequired } from './schema.ts'
import type { Assignments, Insert, PostgresStatement, Select } from './statement.ts'
import type { Value } from './values.ts'

/** A statement as text for a real server, with the structure that the model runs. */
export interface RenderedStatement extends Statement {
  readonly statement: PostgresStatement
}

/** The statement as PostgreSQL's SQL. Values become parameters with a cast; numbers of transactions become bigints. */
export function toSql(statement: PostgresStatement): RenderedStatement {
  return new Rendered(statement)
}

/** Makes the text when it is asked for: the model never asks. */
class Rendered implements RenderedStatement {
  readonly statement: PostgresStatement
  #rendered: { readonly sql: string; readonly params: readonly SqlValue[] } | undefined

  constructor(statement: PostgresStatement) {
    this.statement = statement
  }

  get sql(): string {
    return this.#render().sql
  }

  get params(): readonly SqlValue[] {
    return this.#render().params
  }

  #render() {
    if (this.#rendered !== undefined) return this.#rendered
    const params: SqlValue[] = []
    const sql = statementText(this.statement, (value) => {
      if (value === null) return 'NULL'
      // Booleans travel as text: the port's values know none.
      params.push(typeof value === 'boolean' ? String(value) : value)
      return `$${params.length}::${typeOf(value)}`
    })
    this.#rendered = { sql, params }
    return this.#rendered
  }
}

/** The statements that make the schema on a real server. Sequences are made first, because defaults name them. */
export function schemaSql(schema: Schema): readonly string[] {
  return [
    ...(schema.sequences ?? []).map((name) => `CREATE SEQUENCE ${quoted(name)}`),
    ...Object.entries(schema.tables).map(([name, table]) => tableText(name, table)),
  ]
}

type Parameter = (value: Value) => string

function statementText(statement: PostgresStatement, parameter: Parameter): string {
  switch (statement.kind) {
    case 'insert':
      return insertText(statement, parameter)
    case 'update': {
      const { table, set, where, returning } = statement
      return `UPDATE ${quoted(table)} SET ${assignmentsText(set, parameter)}${whereText(where, parameter)}${returningText(returning)}`
    }
    case 'delete': {
      const { table, where, returning } = statement
      return `DELETE FROM ${quoted(table)}${whereText(where, parameter)}${returningText(returning)}`
    }
    case 'select':
      return selectText(statement, parameter)
    case 'evaluate':
      return `SELECT ${expressionText(statement.expression, parameter)} AS value`
    case 'advisory-lock':
      return statement.try === true
        ? `SELECT pg_try_advisory_xact_lock(${parameter(statement.key)}) AS value`
        : `SELECT pg_advisory_xact_lock(${parameter(statement.key)})::text AS value`
    case 'listen':
    case 'unlisten':
      return `${statement.kind.toUpperCase()} ${quoted(statement.channel)}`
    case 'notify':
      return `NOTIFY ${quoted(statement.channel)}, '${(statement.payload ?? '').replaceAll("'", "''")}'`
    case 'begin':
      return 'BEGIN ISOLATION LEVEL READ COMMITTED'
    case 'commit':
    case 'rollback':
      return statement.kind.toUpperCase()
  }
}

function insertText({ table, rows, onConflict, returning }: Insert, parameter: Parameter): string {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  const values = rows.map((row) => {
    const list = columns.map((name) => (row[name] === undefined ? 'DEFAULT' : expressionText(row[name], parameter)))
    return `(${list.join(', ')})`
  })
  // A list of columns cannot be empty: DEFAULT VALUES is the text for one row of defaults alone.
  const source = columns.length === 0 ? 'DEFAULT VALUES' : `(${columns.map(quoted).join(', ')}) VALUES ${values.join(', ')}`
  let conflict = ''
  if (onConflict !== undefined) {
    const target = onConflict.target === undefined ? '' : ` (${onConflict.target.map(quoted).join(', ')})`
    conflict =
      onConflict.do === 'nothing'
        ? ` ON CONFLICT${target} DO NOTHING`
        : ` ON CONFLICT${target} DO UPDATE SET ${assignmentsText(onConflict.set, parameter, table)}${whereText(onConflict.where, parameter, table)}`
  }
  return `INSERT INTO ${quoted(table)} ${source}${conflict}${returningText(returning)}`
}

function selectText({ table, columns, where, orderBy, limit, forUpdate }: Select, parameter: Parameter): string {
  const order = (orderBy ?? []).map(({ column, descending }) => `${quoted(column)}${descending === true ? ' DESC' : ''}`)
  const locks = { wait: ' FOR UPDATE', 'skip-locked': ' FOR UPDATE SKIP LOCKED', nowait: ' FOR UPDATE NOWAIT' }
  return [
    `SELECT ${columns === undefined ? '*' : columns.map(quoted).join(', ')} FROM ${quoted(table)}`,
    whereText(where, parameter),
    order.length === 0 ? '' : ` ORDER BY ${order.join(', ')}`,
    limit === undefined ? '' : ` LIMIT ${parameter(limit)}`,
    forUpdate === undefined ? '' : locks[forUpdate],
  ].join('')
}

/** `table` qualifies the columns where two rows are in reach: ON CONFLICT knows the stored one and `excluded`. */
function expressionText(expression: Expression, parameter: Parameter, table?: string): string {
  if (isValue(expression)) return parameter(expression)
  switch (expression.kind) {
    case 'column':
      return table === undefined ? quoted(expression.name) : `${quoted(table)}.${quoted(expression.name)}`
    case 'excluded':
      return `excluded.${quoted(expression.name)}`
    case 'plus':
      return `(${expressionText(expression.left, parameter, table)} + ${expressionText(expression.right, parameter, table)})`
    case 'nextval':
      return `nextval('${quoted(expression.sequence).replaceAll("'", "''")}')`
    case 'current-xid':
      return 'pg_current_xact_id()::text::bigint'
    case 'snapshot-xmin':
      return 'pg_snapshot_xmin(pg_current_snapshot())::text::bigint'
  }
}

function conditionText(condition: Condition, parameter: Parameter, table?: string): string {
  const text = (expression: Expression) => expressionText(expression, parameter, table)
  switch (condition.kind) {
    case 'compare':
      return `${text(condition.left)} ${condition.operator} ${text(condition.right)}`
    case 'and':
    case 'or': {
      if (condition.conditions.length === 0) return condition.kind === 'and' ? 'true' : 'false'
      return `(${condition.conditions.map((each) => conditionText(each, parameter, table)).join(` ${condition.kind.toUpperCase()} `)})`
    }
    case 'not':
      return `NOT (${conditionText(condition.condition, parameter, table)})`
    case 'is-null':
      return `${text(condition.expression)} IS NULL`
    case 'in':
      return condition.values.length === 0 ? 'false' : `${text(condition.expression)} IN (${condition.values.map(parameter).join(', ')})`
  }
}

function assignmentsText(set: Assignments, parameter: Parameter, table?: string): string {
  return Object.entries(set)
    .map(([name, expression]) => `${quoted(name)} = ${expressionText(expression, parameter, table)}`)
    .join(', ')
}

function whereText(where: Condition | undefined, parameter: Parameter, table?: string): string {
  return where === undefined ? '' : ` WHERE ${conditionText(where, parameter, table)}`
}

function returningText(returning: readonly string[] | undefined): string {
  return returning === undefined ? '' : ` RETURNING ${returning.map(quoted).join(', ')}`
}

function tableText(name: string, table: Table): string {
  const columns = Object.entries(table.columns).map(([column, { type, default: preset }]) => {
    const initial = preset === undefined ? '' : ` DEFAULT ${expressionText(preset, literal)}`
    return `${quoted(column)} ${type}${type === 'text' ? ' COLLATE "C"' : ''}${isRequired(table, column) ? ' NOT NULL' : ''}${initial}`
  })
  const list = (names: readonly string[]) => `(${names.map(quoted).join(', ')})`
  if (table.primaryKey !== undefined) columns.push(`PRIMARY KEY ${list(table.primaryKey)}`)
  for (const unique of table.unique ?? []) columns.push(`UNIQUE ${list(unique)}`)
  if (table.check !== undefined) columns.push(`CHECK (${conditionText(table.check, literal)})`)
  return `CREATE TABLE ${quoted(name)} (${columns.join(', ')})`
}

/** Definitions take no parameters. */
function literal(value: Value): string {
  if (value === null) return 'NULL'
  const text = value instanceof Uint8Array ? `\\x${Buffer.from(value).toString('hex')}` : String(value)
  return `'${text.replaceAll("'", "''")}'::${typeOf(value)}`
}

function typeOf(value: NonNullable<Value>): string {
  if (value instanceof Uint8Array) return 'bytea'
  switch (typeof value) {
    case 'number':
      return Number.isInteger(value) ? 'bigint' : 'double precision'
    case 'boolean':
      return 'boolean'
    default:
      return 'text'
  }
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
