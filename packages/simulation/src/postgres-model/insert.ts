import { answer, changeRow } from './change.ts'
import type { Command, StatementResult } from './command.ts'
import { PostgresModelError } from './errors.ts'
import type { Heap, UniqueIndex } from './heap.ts'
import type { Waiting } from './locks.ts'
import { lockVersion } from './row-locks.ts'
import { chosen } from './select.ts'
import type { Insert } from './statement.ts'
import { changedRow, newRow } from './stored-row.ts'
import { conflicting, enterIndexes } from './unique-indexes.ts'
import type { Row } from './values.ts'

/** Inserts rows one after another: the values of the second are computed when the first is in. */
export function* insertRows(statement: Insert, command: Command): Waiting<StatementResult> {
  const heap = command.storage.heap(statement.table)
  const stored: Row[] = []
  for (const assignments of statement.rows) {
    const row = newRow(heap, assignments, command)
    const result = statement.onConflict === undefined ? yield* insertRow(heap, row, command) : yield* upsert(heap, row, statement, command)
    if (result !== undefined) stored.push(result)
  }
  return answer(heap, stored, statement.returning)
}

function* insertRow(heap: Heap, row: Row, command: Command): Waiting<Row> {
  yield* enterIndexes(heap, heap.add(row, command.currentXid(), command.number), command)
  return row
}

/** INSERT … ON CONFLICT. @returns what was inserted or updated, undefined when the row that is there was left as it is */
function* upsert(heap: Heap, row: Row, { onConflict }: Insert, command: Command): Waiting<Row | undefined> {
  const arbiters = onConflict?.target === undefined ? heap.indexes : [heap.indexOn(onConflict.target)]
  for (;;) {
    const present = yield* conflicting(arbiters, row, command)
    if (present === undefined) {
      if (yield* insertSpeculatively(heap, row, command, arbiters)) return row
      continue
    }
    if (onConflict?.do !== 'update') return undefined
    const { set, where } = onConflict
    const outcome = yield* lockVersion(present, command, 'wait')
    if (outcome === 'invisible') {
      throw new PostgresModelError('21000', `ON CONFLICT DO UPDATE would change a row of ${heap.name} a second time in one statement.`)
    }
    // Changed or deleted while it waited: what is there now is looked for again. PostgreSQL does not follow the row here.
    if (outcome !== 'free') continue
    if (where !== undefined && !chosen(present.row, where, command, row)) return undefined
    return yield* changeRow(heap, present, command, {
      where: undefined,
      compute: (before) => changedRow(heap, before, set, command, row),
    })
  }
}

/** Inserts what no arbiter stood against, and takes it back when one does by now, because another index had made it wait. */
function* insertSpeculatively(heap: Heap, row: Row, command: Command, arbiters: readonly UniqueIndex[]): Waiting<boolean> {
  const version = heap.add(row, command.currentXid(), command.number)
  if (yield* enterIndexes(heap, version, command, arbiters)) return true
  version.discarded = true
  return false
}
