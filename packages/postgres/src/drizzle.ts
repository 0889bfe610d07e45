/**
 * The outbox in a transaction of Drizzle: `db.transaction(async (tx) => { …; await outbox.add(drizzleTransaction(tx), event) })`.
 *
 * The problem: the event must be committed with the caller's rows, or not at all, through the ORM that the caller has.
 * The guarantee: with the drivers node-postgres and postgres.js, statements run in that transaction, in order; errors are those of this package; a
 * transaction that has ended is refused.
 * Not promised: Drizzle's other drivers; rows as this package's own database reads them: they come as the driver reads them.
 */
import { type SQLWrapper, sql } from 'drizzle-orm'
import {
  IDENTIFY,
  type JoinedTransaction,
  type LibraryResult,
  type StatementParameter,
  joinTransaction,
  noTransaction,
} from './joined-transaction.ts'

/** What is used of the transactions of `drizzle-orm/node-postgres` and `drizzle-orm/postgres-js`. A `db` has no `rollback`, and is refused by the compiler. */
export interface DrizzleTransaction {
  execute(query: SQLWrapper): PromiseLike<unknown>
  rollback(): never
}

const NAME = 'a Drizzle transaction'

/**
 * The transaction that `db.transaction` or `tx.transaction` hands to its callback. Make it inside the callback; Drizzle runs late statements on whatever
 * the connection does by then, so each one of ours first asks the server which transaction it is in.
 * @throws ConfigurationError at the first use, when it is no open transaction; TransactionEndedError when it is over
 */
export function drizzleTransaction(tx: DrizzleTransaction): JoinedTransaction {
  if (typeof tx.execute !== 'function' || typeof tx.rollback !== 'function') throw noTransaction(NAME)
  return joinTransaction({
    name: NAME,
    identify: async () => {
      // Three statements without parameters, and so three results.
      const results = (await tx.execute(sql.raw(IDENTIFY))) as readonly unknown[]
      const [row] = resultOf(results.at(-1)).rows as readonly { readonly xid: string }[]
      return row!.xid
    },
    run: async (text, params) => resultOf(await tx.execute(bound(text, params))),
  })
}

/** The statement in Drizzle's form, which numbers parameters by their places: one that stands twice is given twice. */
function bound(text: string, params: readonly StatementParameter[]) {
  const parts = text.split(/\$(\d+)/)
  return sql.join(parts.map((part, index) => (index % 2 === 0 ? sql.raw(part) : sql`${sql.param(params[Number(part) - 1])}`)))
}

/** What the driver gives: node-postgres an object with rows, postgres.js the rows with a count. */
function resultOf(result: unknown): LibraryResult {
  if (Array.isArray(result)) {
    const { count = null } = result as { readonly count?: number | null }
    return { rows: result as readonly object[], rowCount: count ?? result.length }
  }
  const { rows, rowCount } = result as { readonly rows: readonly object[]; readonly rowCount: number | null }
  return { rows, rowCount: rowCount ?? rows.length }
}
