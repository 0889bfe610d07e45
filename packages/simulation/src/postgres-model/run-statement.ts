import { deleteRows, updateRows } from './change.ts'
import type { Command, StatementResult } from './command.ts'
import { evaluate } from './expression.ts'
import { insertRows } from './insert.ts'
import type { Waiting } from './locks.ts'
import { selectRows } from './select.ts'
import type { AdvisoryLock, PostgresStatement, TransactionControl } from './statement.ts'
import type { TransactionBlock } from './transaction-block.ts'

export const NO_ROWS: StatementResult = { rows: [], rowCount: 0 }

/** Runs a statement in its transaction. @throws PostgresModelError what the server answers instead of a result */
export function* runStatement(
  statement: Exclude<PostgresStatement, TransactionControl>,
  command: Command,
  transaction: TransactionBlock,
): Waiting<StatementResult> {
  switch (statement.kind) {
    case 'insert':
      return yield* insertRows(statement, command)
    case 'update':
      return yield* updateRows(statement, command)
    case 'delete':
      return yield* deleteRows(statement, command)
    case 'select':
      return yield* selectRows(statement, command)
    case 'evaluate':
      return { rows: [{ value: evaluate(statement.expression, command.scope()) }], rowCount: 1 }
    case 'advisory-lock':
      return yield* lock(statement, command)
    case 'notify':
      transaction.notify({ channel: statement.channel, payload: statement.payload ?? '' })
      return NO_ROWS
    case 'listen':
    case 'unlisten':
      transaction.listen(statement.kind, statement.channel)
      return NO_ROWS
  }
}

function* lock({ key, try: tryOnly }: AdvisoryLock, { storage, owner }: Command): Waiting<StatementResult> {
  if (tryOnly === true) return { rows: [{ value: storage.locks.tryAcquire(key, owner) }], rowCount: 1 }
  yield* storage.locks.acquire(key, owner)
  return { rows: [{ value: '' }], rowCount: 1 }
}
