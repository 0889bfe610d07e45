import type { Clock, Database, Transaction } from 'seaworthy/core'
import type { Outbox } from 'seaworthy/outbox'
import { customerImported } from '../contract/events.ts'
import type { ImportedCustomer, ImportedProduct, ImportedReview } from '../contract/import.ts'
import { CREDIT_LIMIT_CENTS } from '../domain/credit.ts'

/** Takes over what other systems know. What is known already is left as it is, so that taking over twice changes nothing. */
export interface TakingOver {
  /** Each of these settles with how many were new. */
  products(tx: Transaction, products: readonly ImportedProduct[]): Promise<number>
  reviews(tx: Transaction, reviews: readonly ImportedReview[]): Promise<number>
  /** Each new one is told as an imported customer: counted, and not welcomed. */
  customers(tx: Transaction, customers: readonly ImportedCustomer[]): Promise<number>
  isEmpty(): Promise<boolean>
}

// One statement for a whole batch. WHERE true tells the parser that ON belongs to the INSERT.
const PRODUCTS = `INSERT INTO products (id, name, description, category, brand, price_cents)
  SELECT value ->> 'id', value ->> 'name', value ->> 'description', value ->> 'category', value ->> 'brand', value ->> 'priceCents'
  FROM json_each(?) WHERE true ON CONFLICT (id) DO NOTHING`
const REVIEWS = `INSERT INTO reviews (id, product_id, author, rating, comment, created_at_ms)
  SELECT value ->> 'id', value ->> 'productId', value ->> 'author', value ->> 'rating', value ->> 'comment', value ->> 'createdAtMs'
  FROM json_each(?) WHERE true ON CONFLICT (id) DO NOTHING`
const CUSTOMERS = `INSERT INTO customers (id, name, email, credit_limit_cents, created_at_ms)
  SELECT value ->> 'id', value ->> 'name', value ->> 'email', ?2, ?3
  FROM json_each(?1) WHERE true ON CONFLICT (id) DO NOTHING
  RETURNING id, name, email`
const SELECT_ANY = 'SELECT 1 AS found FROM products LIMIT 1'

export function takingOver({ database, outbox, clock }: { database: Database; outbox: Outbox; clock: Clock }): TakingOver {
  return {
    async products(tx, products) {
      return (await tx.execute({ sql: PRODUCTS, params: [JSON.stringify(products)] })).rowCount
    },
    async reviews(tx, reviews) {
      const rows = reviews.map(({ createdAt, ...review }) => ({ ...review, createdAtMs: Date.parse(createdAt) }))
      return (await tx.execute({ sql: REVIEWS, params: [JSON.stringify(rows)] })).rowCount
    },
    async customers(tx, customers) {
      const added = await tx.query<{ id: string; name: string; email: string }>({
        sql: CUSTOMERS,
        params: [JSON.stringify(customers), CREDIT_LIMIT_CENTS, clock.now()],
      })
      const events = added.map(({ id, name, email }) =>
        customerImported({ customerId: id, name, email, creditLimitCents: CREDIT_LIMIT_CENTS }),
      )
      await outbox.add(tx, ...events)
      return added.length
    },
    async isEmpty() {
      return (await database.query({ sql: SELECT_ANY })).length === 0
    },
  }
}
