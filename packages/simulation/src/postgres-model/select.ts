import type { Command, StatementResult } from './command.ts'
import { type Condition, holds } from './expression.ts'
import type { Heap, Version } from './heap.ts'
import type { Waiting } from './locks.ts'
import { lockNewest } from './row-locks.ts'
import type { Order, Select } from './statement.ts'
import { assertColumns, projected } from './stored-row.ts'
import { type Row, type Value, compareValues } from './values.ts'
import { isVisible } from './visibility.ts'

/** The versions that the statement sees and its condition chooses, in the order of the heap. */
export function scan(heap: Heap, where: Condition | undefined, command: Command): readonly Version[] {
  return heap.versions.filter((version) => isVisible(version, command) && chosen(version.row, where, command))
}

export function chosen(row: Row, where: Condition | undefined, command: Command, excluded?: Row): boolean {
  return where === undefined || holds(where, command.scope(row, excluded)) === true
}

/**
 * Sorts and then locks, row by row, as PostgreSQL does: a row that changed while the statement waited comes in its old place with its new values, and
 * is left out when the condition does not hold for them any more. A limit counts the rows that came.
 */
export function* selectRows(statement: Select, command: Command): Waiting<StatementResult> {
  const { where, orderBy = [], limit = Infinity, forUpdate } = statement
  const heap = command.storage.heap(statement.table)
  const columns = statement.columns ?? Object.keys(heap.table.columns)
  assertColumns(
    heap,
    orderBy.map(({ column }) => column),
  )
  const seen = scan(heap, where, command).toSorted((one, other) => inOrder(orderBy, one.row, other.row))
  const rows: Row[] = []
  for (const version of seen) {
    if (rows.length >= limit) break
    if (forUpdate === undefined) {
      rows.push(projected(heap, version.row, columns))
      continue
    }
    const locked = yield* lockNewest(version, command, forUpdate)
    if (locked !== undefined && (locked === version || chosen(locked.row, where, command))) rows.push(projected(heap, locked.row, columns))
  }
  return { rows, rowCount: rows.length }
}

function inOrder(orderBy: readonly Order[], one: Row, other: Row): number {
  for (const { column, descending } of orderBy) {
    const order = nullsLast(one[column] ?? null, other[column] ?? null)
    if (order !== 0) return descending === true ? -order : order
  }
  return 0
}

function nullsLast(one: Value, other: Value): number {
  if (one === null || other === null) return Number(one === null) - Number(other === null)
  return compareValues(one, other)
}
