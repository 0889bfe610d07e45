import { type Clock, type Database, type NewId, NotFoundError, type Transaction } from 'seaworthy/core'
import { type EventEnvelope, on } from 'seaworthy/messaging'
import type { Outbox } from 'seaworthy/outbox'
import { canBeBilled, customerCreated } from '../../services/customers/contract/events.ts'
import { type CreditChecked, creditChecked } from '../../services/payments/contract/events.ts'
import { CREDIT_LIMIT_CENTS } from '../domain/credit.ts'
import type { Ownership } from './ownership.ts'

interface Customer {
  readonly id: string
  readonly name: string
  readonly email: string
  /** What one order may cost at most. */
  readonly creditLimitCents: number
  /** RFC 3339, UTC. */
  readonly createdAt: string
}

export interface Customers {
  create(request: { readonly name: string; readonly email: string }): Promise<Customer>
  /** @throws NotFoundError */
  customer(id: string): Promise<Customer>
}

const INSERT_CUSTOMER = 'INSERT INTO customers (id, name, email, credit_limit_cents, created_at_ms) VALUES (?, ?, ?, ?, ?)'
// By primary key.
const SELECT_CUSTOMER = `SELECT id, name, email, credit_limit_cents, created_at_ms FROM customers
  WHERE id = ? AND forgotten_at_ms IS NULL`

// By primary key.
const SELECT_LIMIT = 'SELECT 1 AS found FROM customers WHERE id = ? AND credit_limit_cents = ?'
// By primary key.
const SET_LIMIT = 'UPDATE customers SET credit_limit_cents = ? WHERE id = ?'

interface CustomerRow {
  readonly id: string
  readonly name: string
  readonly email: string
  readonly credit_limit_cents: number
  readonly created_at_ms: number
}

interface CustomersOptions {
  readonly database: Database
  readonly outbox: Outbox
  readonly owned: Ownership
  readonly clock: Clock
  readonly newId: NewId
}

export function customers({ database, outbox, owned, clock, newId }: CustomersOptions): Customers {
  return {
    create: ({ name, email }) =>
      database.transaction(async (tx) => {
        const row: CustomerRow = { id: newId(), name, email, credit_limit_cents: CREDIT_LIMIT_CENTS, created_at_ms: clock.now() }
        await owned.assertOwned(tx, row.id)
        await tx.execute({ sql: INSERT_CUSTOMER, params: [row.id, row.name, row.email, row.credit_limit_cents, row.created_at_ms] })
        await outbox.add(
          tx,
          customerCreated({ customerId: row.id, canBeBilled: canBeBilled(email), creditLimitCents: row.credit_limit_cents }),
        )
        return toCustomer(row)
      }),

    async customer(id) {
      const [row] = await database.query<CustomerRow>({ sql: SELECT_CUSTOMER, params: [id] })
      if (row === undefined) throw new NotFoundError(`There is no customer ${id}.`)
      return toCustomer(row)
    },
  }
}

/**
 * Sets what billing decided about a new customer. Until then what was asked for holds. The service that takes customers over hears of it as well, and the one of both that
 * owns the customer sets the limit. The other one's handling fails, and is tried again, until the limit has come over.
 */
export const settingLimit = (owned: Ownership) =>
  on(creditChecked, async ({ data: { customerId, limitCents } }: EventEnvelope<CreditChecked>, tx: Transaction) => {
    if ((await tx.query({ sql: SELECT_LIMIT, params: [customerId, limitCents] })).length > 0) return
    await owned.assertOwned(tx, customerId)
    await tx.execute({ sql: SET_LIMIT, params: [limitCents, customerId] })
  })

function toCustomer(row: CustomerRow): Customer {
  return {
    id: row.id,
    name: row.name,
    email: row.email,
    creditLimitCents: row.credit_limit_cents,
    createdAt: new Date(row.created_at_ms).toISOString(),
  }
}
