import type { ClientBase, QueryResult, QueryResultRow } from 'pg'
import { type Statement, type Transaction, ConfigurationError } from 'seaworthy/core'
import { typed } from './errors.ts'
import { parameter, rowTypes } from './values.ts'

/** A transaction that the caller began on a `pg` client of their own, and ends there. */
export interface PgTransaction extends Transaction {
  /** Call it after your COMMIT: it wakes whom the stores would wake. Without it a relay finds the messages when it looks next. */
  committed(): void
}

/**
 * The open transaction of a `pg` client, for the stores of this package: `outbox.add(pgTransaction(client), …)` goes with your own COMMIT or ROLLBACK.
 * @throws ConfigurationError at the first use, when no transaction is open there: what is added would be committed alone
 */
export function pgTransaction(client: ClientBase): PgTransaction {
  const effects: (() => void)[] = []
  const run = async <Row extends object>({ sql, params = [] }: Statement): Promise<QueryResult<Row & QueryResultRow>> => {
    // Older releases of pg do not tell.
    if (typeof client.getTransactionStatus === 'function' && client.getTransactionStatus() === 'I') {
      throw new ConfigurationError(
        'No transaction is open on this pg client. BEGIN one first, so that your rows and the events are committed together.',
      )
    }
    try {
      return await client.query<Row & QueryResultRow>({ text: sql, values: params.map(parameter), types: rowTypes })
    } catch (error) {
      throw typed(error, 'the database of a pg client')
    }
  }
  return {
    query: async <Row extends object>(statement: Statement) => (await run<Row>(statement)).rows as readonly Row[],
    execute: async (statement) => ({ rowCount: (await run(statement)).rowCount ?? 0 }),
    afterCommit: (effect) => void effects.push(effect),
    committed: () => {
      for (const effect of effects.splice(0)) effect()
    },
  }
}
