import type { Command, StatementResult } from './command.ts'
import type { Condition } from './expression.ts'
import type { Heap, Version } from './heap.ts'
import type { Waiting } from './locks.ts'
import { hold, lockNewest } from './row-locks.ts'
import { chosen, scan } from './select.ts'
import type { Delete, Update } from './statement.ts'
import { changedRow, projected } from './stored-row.ts'
import { enterIndexes } from './unique-indexes.ts'
import type { Row } from './values.ts'

export function* updateRows({ table, set, where, returning }: Update, command: Command): Waiting<StatementResult> {
  const heap = command.storage.heap(table)
  const changed: Row[] = []
  for (const version of scan(heap, where, command)) {
    const row = yield* changeRow(heap, version, command, { where, compute: (before) => changedRow(heap, before, set, command) })
    if (row !== undefined) changed.push(row)
  }
  return answer(heap, changed, returning)
}

export function* deleteRows({ table, where, returning }: Delete, command: Command): Waiting<StatementResult> {
  const heap = command.storage.heap(table)
  const deleted: Row[] = []
  for (const version of scan(heap, where, command)) {
    const row = yield* changeRow(heap, version, command, { where, compute: undefined })
    if (row !== undefined) deleted.push(row)
  }
  return answer(heap, deleted, returning)
}

export function answer(heap: Heap, rows: readonly Row[], returning: readonly string[] | undefined): StatementResult {
  return { rows: returning === undefined ? [] : rows.map((row) => projected(heap, row, returning)), rowCount: rows.length }
}

export interface Change {
  readonly where: Condition | undefined
  /** The new row; absent, the row is deleted. */
  readonly compute: ((before: Row) => Row) | undefined
}

/**
 * Updates or deletes a row. If another transaction changed it first, the newest version is locked, the condition asked again, and the change
 * computed anew from what is there now: no update is lost. A row that fails the second look stays locked and unchanged.
 * @returns the new row, or the one that was deleted; undefined when nothing was changed
 */
export function* changeRow(heap: Heap, seen: Version, command: Command, { where, compute }: Change): Waiting<Row | undefined> {
  for (let version = seen; ;) {
    // Before any wait, as PostgreSQL does: a row that breaks a rule is refused though it may be about to change.
    const row = compute?.(version.row)
    const xid = command.currentXid()
    let made: Version | undefined
    const target = version
    const outcome = yield* hold(target, command, 'wait', () => {
      made = row === undefined ? undefined : heap.add(row, xid, command.number)
      Object.assign(target, { xmax: xid, lockedOnly: false, next: made })
    })
    if (outcome === 'free') {
      if (made !== undefined) yield* enterIndexes(heap, made, command)
      return row ?? target.row
    }
    if (outcome !== 'updated') return undefined
    const newest = yield* lockNewest(target, command, 'wait')
    if (newest === undefined || !chosen(newest.row, where, command)) return undefined
    version = newest
  }
}
