/**
 * The outbox in an interactive transaction of Prisma: `prisma.$transaction(async (tx) => { …; await outbox.add(prismaTransaction(tx), event) })`.
 *
 * The problem: the event must be committed with the caller's rows, or not at all, through the ORM that the caller has.
 * The guarantee: with Prisma 7 and @prisma/adapter-pg, statements run in that transaction, in order; errors are those of this package; a transaction that
 * has ended is refused.
 * Not promised: Prisma before 7, its other adapters, or `$transaction([...])`, which takes no callback. Prisma ends an interactive transaction after
 * 5 s unless its `timeout` says otherwise.
 */
import { type JoinedTransaction, joinTransaction, noTransaction } from './joined-transaction.ts'

/** What is used of `Prisma.TransactionClient`. A `PrismaClient` has `$connect`, and is refused by the compiler. */
export interface PrismaTransaction {
  $executeRawUnsafe(sql: string, ...params: unknown[]): PromiseLike<number>
  $queryRawUnsafe(sql: string, ...params: unknown[]): PromiseLike<unknown>
  readonly $connect?: never
}

const NAME = 'a Prisma transaction'
/** "Transaction API error": closed, committed, rolled back or timed out. */
const TRANSACTION_API_ERROR = 'P2028'

/**
 * The client that `prisma.$transaction` hands to its callback.
 * @throws ConfigurationError when it is no transaction; TransactionEndedError when it is over
 */
export function prismaTransaction(tx: PrismaTransaction): JoinedTransaction {
  if (typeof tx.$executeRawUnsafe !== 'function' || tx.$connect !== undefined) throw noTransaction(NAME)
  return joinTransaction({
    name: NAME,
    isEnd: (error) => error instanceof Error && 'code' in error && error.code === TRANSACTION_API_ERROR,
    run: async (sql, params, wanted) => {
      if (wanted === 'rowCount') return { rows: [], rowCount: await tx.$executeRawUnsafe(sql, ...params) }
      const rows = (await tx.$queryRawUnsafe(sql, ...params)) as readonly object[]
      return { rows, rowCount: rows.length }
    },
  })
}
