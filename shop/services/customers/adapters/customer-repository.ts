import type { Database, SqlValue } from 'seaworthy/core'
import { insertAll } from '../../../platform/statements.ts'
import type { CustomerRepository } from '../application/ports.ts'
import type { Customer } from '../domain/customer.ts'

const CUSTOMERS = 'customers (id, name, email, credit_limit_cents, created_at_ms)'
// By primary key.
const SELECT_CUSTOMER = `SELECT id, name, email, credit_limit_cents, created_at_ms FROM customers
  WHERE id = ? AND forgotten_at_ms IS NULL`
// By primary key.
const KNOWN_STAYS = 'ON CONFLICT (id) DO NOTHING RETURNING id'
// By primary key.
const SELECT_LIMIT = 'SELECT 1 AS found FROM customers WHERE id = ? AND credit_limit_cents = ?'
// By primary key.
const SET_LIMIT = 'UPDATE customers SET credit_limit_cents = ? WHERE id = ?'
// By primary key.
const FORGET = `UPDATE customers SET name = '', email = '', forgotten_at_ms = ? WHERE id = ? AND forgotten_at_ms IS NULL`
// By primary key.
const SELECT_KNOWN = 'SELECT 1 AS found FROM customers WHERE id = ?'
const SELECT_ANY = 'SELECT 1 AS found FROM customers LIMIT 1'

interface CustomerRow {
  readonly id: string
  readonly name: string
  readonly email: string
  readonly credit_limit_cents: number
  readonly created_at_ms: number
}

export function customerRepository(database: Database): CustomerRepository {
  return {
    async find(id) {
      const [row] = await database.query<CustomerRow>({ sql: SELECT_CUSTOMER, params: [id] })
      return row === undefined
        ? undefined
        : { id, name: row.name, email: row.email, creditLimitCents: row.credit_limit_cents, createdAtMs: row.created_at_ms }
    },
    async add(tx, customer) {
      await tx.execute(insertAll(CUSTOMERS, [valuesOf(customer)], ''))
    },
    async takeOver(tx, customers) {
      if (customers.length === 0) return new Set()
      const added = await tx.query<{ id: string }>(insertAll(CUSTOMERS, customers.map(valuesOf), KNOWN_STAYS))
      return new Set(added.map(({ id }) => id))
    },
    async hasLimit(tx, id, limitCents) {
      return (await tx.query({ sql: SELECT_LIMIT, params: [id, limitCents] })).length > 0
    },
    async setLimit(tx, id, limitCents) {
      await tx.execute({ sql: SET_LIMIT, params: [limitCents, id] })
    },
    async forget(tx, id, atMs) {
      return (await tx.execute({ sql: FORGET, params: [atMs, id] })).rowCount === 1
    },
    async isKnown(id) {
      return (await database.query({ sql: SELECT_KNOWN, params: [id] })).length > 0
    },
    async isEmpty() {
      return (await database.query({ sql: SELECT_ANY })).length === 0
    },
  }
}

function valuesOf({ id, name, email, creditLimitCents, createdAtMs }: Customer): readonly SqlValue[] {
  return [id, name, email, creditLimitCents, createdAtMs]
}
