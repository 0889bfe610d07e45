import type { Command } from './command.ts'
import { PostgresModelError } from './errors.ts'
import { evaluate, holds } from './expression.ts'
import type { Heap } from './heap.ts'
import { type Column, type Table, isRequired } from './schema.ts'
import type { Assignments } from './statement.ts'
import type { Row, Value } from './values.ts'

/** The row that an INSERT stores: what it says, and the defaults for the rest. @throws PostgresModelError when it breaks a rule of its table */
export function newRow(heap: Heap, assignments: Assignments, command: Command): Row {
  assertColumns(heap, Object.keys(assignments))
  const scope = command.scope()
  const row: Record<string, Value> = {}
  for (const [name, column] of Object.entries(heap.table.columns)) {
    row[name] = evaluate(assignments[name] === undefined ? (column.default ?? null) : assignments[name], scope)
  }
  return checked(heap, row, command)
}

/** The row with the assignments made to it. Their expressions see the row as it was, and the row of a conflicting INSERT as `excluded`. */
export function changedRow(heap: Heap, before: Row, set: Assignments, command: Command, excluded?: Row): Row {
  assertColumns(heap, Object.keys(set))
  const scope = command.scope(before, excluded)
  const row: Record<string, Value> = { ...before }
  for (const [name, expression] of Object.entries(set)) row[name] = evaluate(expression, scope)
  return checked(heap, row, command)
}

/** The columns of a row that a statement asked for. */
export function projected(heap: Heap, row: Row, columns: readonly string[]): Row {
  assertColumns(heap, columns)
  return Object.fromEntries(columns.map((name) => [name, row[name] ?? null]))
}

export function assertColumns(heap: Heap, names: readonly string[]): void {
  const unknown = names.find((name) => heap.table.columns[name] === undefined)
  if (unknown !== undefined) throw new PostgresModelError('42703', `Table ${heap.name} has no column ${unknown}.`)
}

function checked({ name, table }: Heap, row: Row, command: Command): Row {
  for (const [column, definition] of Object.entries(table.columns)) assertType(`${name}.${column}`, definition, row[column] ?? null)
  const missing = Object.keys(table.columns).find((column) => row[column] === null && isRequired(table, column))
  if (missing !== undefined) throw new PostgresModelError('23502', `Column ${missing} of table ${name} takes no null.`)
  assertCheck(name, table, row, command)
  return row
}

function assertCheck(name: string, { check }: Table, row: Row, command: Command): void {
  // Unknown is good enough for a check, though not for WHERE.
  if (check !== undefined && holds(check, command.scope(row)) === false) {
    throw new PostgresModelError('23514', `A row of table ${name} breaks its check: ${JSON.stringify(row)}.`, `${name}_check`)
  }
}

function assertType(name: string, { type }: Column, value: Value): void {
  if (value === null) return
  switch (type) {
    case 'bigint':
      if (typeof value !== 'number') break
      // PostgreSQL goes on to 2^63; a JavaScript number is exact up to here.
      if (!Number.isSafeInteger(value)) throw new PostgresModelError('22003', `${value} is no bigint that the model can keep, in ${name}.`)
      return
    case 'double precision':
      if (typeof value === 'number') return
      break
    case 'text':
      if (typeof value !== 'string') break
      if (value.includes('\0')) throw new PostgresModelError('22021', `Text takes no character NUL, in ${name}.`)
      return
    case 'boolean':
      if (typeof value === 'boolean') return
      break
    case 'bytea':
      if (value instanceof Uint8Array) return
      break
  }
  throw new PostgresModelError('42804', `Column ${name} is of type ${type}, and the value is ${JSON.stringify(value)}.`)
}
