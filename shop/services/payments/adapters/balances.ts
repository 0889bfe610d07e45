import type { Database } from 'seaworthy/core'
import { type Apply, projection } from 'seaworthy/projections'
import { tables } from '../../../platform/tables.ts'
import type { PaymentEvent } from '../domain/payment.ts'

/** The balances of the ledger's accounts, as a read model of its events. */
export const BALANCES_SCHEMA = tables(
  'balances',
  ({ integer, strict }) =>
    `CREATE TABLE balances (
       account TEXT PRIMARY KEY,
       balance_cents ${integer} NOT NULL
     ) ${strict};`,
)

// By primary key.
const POST = `INSERT INTO balances (account, balance_cents) VALUES (?, ?)
  ON CONFLICT (account) DO UPDATE SET balance_cents = balances.balance_cents + excluded.balance_cents`
const EMPTY = 'DELETE FROM balances'
// By primary key.
const SELECT_BALANCE = 'SELECT balance_cents FROM balances WHERE account = ?'
const SELECT_SUM = 'SELECT CAST(coalesce(sum(balance_cents), 0) AS BIGINT) AS sum_cents FROM balances'

type Posted = Pick<PaymentEvent, 'transaction'>

const post: Apply<Posted> = async (tx, event) => {
  for (const { account, amountCents } of event.data.transaction.postings) await tx.execute({ sql: POST, params: [account, amountCents] })
}

export const balancesProjection = projection<{ charged: Posted; refunded: Posted }>({
  name: 'balances',
  version: 1,
  on: { charged: post, refunded: post },
  reset: async (tx) => {
    await tx.execute({ sql: EMPTY })
  },
})

/** The sum of all balances, zero as long as the ledger is right, and the balance of one account. */
export async function readLedger(database: Database, account: string): Promise<{ sumCents: number; balanceCents: number }> {
  const [sum] = await database.query<{ sum_cents: number }>({ sql: SELECT_SUM })
  const [balance] = await database.query<{ balance_cents: number }>({ sql: SELECT_BALANCE, params: [account] })
  return { sumCents: sum?.sum_cents ?? 0, balanceCents: balance?.balance_cents ?? 0 }
}
