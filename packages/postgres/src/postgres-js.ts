/**
 * The outbox in a transaction of postgres.js: `sql.begin(async (tx) => { …; await outbox.add(postgresJsTransaction(tx), event) })`.
 *
 * The problem: the event must be committed with the caller's rows, or not at all, through the driver that the caller has.
 * The guarantee: statements run in that transaction, in order; errors are those of this package; a transaction that has ended is refused.
 * Not promised: rows as this package's own database reads them; they come as the library reads them.
 */
import { IDENTIFY, type JoinedTransaction, joinTransaction, noTransaction } from './joined-transaction.ts'

/** What is used of `TransactionSql`. The `sql` that begins transactions has no `savepoint`, and is refused by the compiler. */
export interface PostgresJsTransaction {
  unsafe(sql: string, params?: never[]): PromiseLike<readonly object[]>
  savepoint: unknown
}

const NAME = 'a postgres.js transaction'

/**
 * The transaction that `sql.begin` or `tx.savepoint` hands to its callback. Make it inside the callback; postgres.js runs late statements on whatever the
 * connection does by then, so each one of ours first asks the server which transaction it is in.
 * @throws ConfigurationError at the first use, when it is no open transaction; TransactionEndedError when it is over
 */
export function postgresJsTransaction(tx: PostgresJsTransaction): JoinedTransaction {
  if (typeof tx.unsafe !== 'function' || typeof tx.savepoint !== 'function') throw noTransaction(NAME)
  return joinTransaction({
    name: NAME,
    identify: async () => {
      // Three statements without parameters, and so three results.
      const results = (await tx.unsafe(IDENTIFY)) as readonly (readonly { readonly xid: string }[])[]
      return results.at(-1)![0]!.xid
    },
    run: async (sql, params) => {
      const rows = (await tx.unsafe(sql, params as never[])) as readonly object[] & { readonly count?: number | null }
      return { rows, rowCount: rows.count ?? rows.length }
    },
  })
}
