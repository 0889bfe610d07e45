/**
 * The outbox in a transaction of Kysely: `db.transaction().execute(async (trx) => { …; await outbox.add(kyselyTransaction(trx), event) })`.
 *
 * The problem: the event must be committed with the caller's rows, or not at all, through the query builder that the caller has.
 * The guarantee: statements run in that transaction, in order; errors are those of this package; a transaction that has ended is refused.
 * Not promised: other dialects than PostgreSQL; rows as this package's own database reads them: they come as the dialect reads them.
 */
import { CompiledQuery } from 'kysely'
import { type JoinedTransaction, joinTransaction, noTransaction } from './joined-transaction.ts'

/** What is used of `Transaction<DB>`. For a `Kysely<DB>` that is no transaction the compiler refuses `isTransaction`. */
export interface KyselyTransaction {
  readonly isTransaction: true
  withoutPlugins(): {
    executeQuery(query: CompiledQuery<object>): Promise<{ readonly rows: readonly object[]; readonly numAffectedRows?: bigint }>
  }
}

const NAME = 'a Kysely transaction'
// Kysely throws a plain Error for a transaction that is over.
const IS_OVER = /^Transaction is already /

/**
 * The transaction of `db.transaction().execute(…)`, or a controlled one, savepoints included.
 * @throws ConfigurationError when it is no transaction; TransactionEndedError when it is over
 */
export function kyselyTransaction(trx: KyselyTransaction): JoinedTransaction {
  if (!trx.isTransaction) throw noTransaction(NAME)
  // Plugins rewrite the names of columns; those of the library's rows are its own.
  const plain = trx.withoutPlugins()
  return joinTransaction({
    name: NAME,
    isEnd: (error) => error instanceof Error && IS_OVER.test(error.message),
    run: async (sql, params) => {
      const { rows, numAffectedRows } = await plain.executeQuery(CompiledQuery.raw(sql, [...params]))
      return { rows, rowCount: numAffectedRows === undefined ? rows.length : Number(numAffectedRows) }
    },
  })
}
