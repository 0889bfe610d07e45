import type { Clock, Database, Transaction } from 'seaworthy/core'
import type { Outbox } from 'seaworthy/outbox'
import { insertAll } from '../../platform/statements.ts'
import type { ImportedProduct } from '../../services/catalog/contract/import.ts'
import { canBeBilled, customerImported } from '../../services/customers/contract/events.ts'
import type { ImportedCustomer } from '../../services/customers/contract/import.ts'
import type { ImportedReview } from '../../services/reviews/contract/import.ts'
import { CREDIT_LIMIT_CENTS } from '../domain/credit.ts'
import type { Module } from '../domain/modules.ts'
import type { Ownership } from './ownership.ts'

/** Takes over what other systems know. What is known already is left as it is, so that taking over twice changes nothing. */
export interface TakingOver {
  /** Each of these settles with how many were new. */
  products(tx: Transaction, products: readonly ImportedProduct[]): Promise<number>
  reviews(tx: Transaction, reviews: readonly ImportedReview[]): Promise<number>
  /** Each new one is told as an imported customer: counted, and not welcomed. */
  customers(tx: Transaction, customers: readonly ImportedCustomer[]): Promise<number>
  isEmpty(module: Module): Promise<boolean>
}

const PRODUCTS = 'products (id, name, description, category, brand, price_cents)'
const REVIEWS = 'reviews (id, product_id, author, rating, comment, created_at_ms)'
const CUSTOMERS = 'customers (id, name, email, credit_limit_cents, created_at_ms)'
// By primary key, in all of them.
const KNOWN_STAYS = 'ON CONFLICT (id) DO NOTHING'
const SELECT_ANY: Readonly<Record<Module, string>> = {
  catalog: 'SELECT 1 AS found FROM products LIMIT 1',
  reviews: 'SELECT 1 AS found FROM reviews LIMIT 1',
  customers: 'SELECT 1 AS found FROM customers LIMIT 1',
}

interface TakingOverOptions {
  readonly database: Database
  readonly outbox: Outbox
  readonly owned: Readonly<Record<Module, Ownership>>
  readonly clock: Clock
}

export function takingOver({ database, outbox, owned, clock }: TakingOverOptions): TakingOver {
  return {
    async products(tx, products) {
      if (products.length === 0) return 0
      await owned.catalog.assertOwned(tx)
      const rows = products.map(({ id, name, description, category, brand, priceCents }) => [
        id,
        name,
        description,
        category,
        brand ?? null,
        priceCents,
      ])
      return (await tx.execute(insertAll(PRODUCTS, rows, KNOWN_STAYS))).rowCount
    },
    async reviews(tx, reviews) {
      if (reviews.length === 0) return 0
      await owned.reviews.assertOwned(tx)
      const rows = reviews.map(({ id, productId, author, rating, comment, createdAt }) => [
        id,
        productId,
        author,
        rating,
        comment,
        Date.parse(createdAt),
      ])
      return (await tx.execute(insertAll(REVIEWS, rows, KNOWN_STAYS))).rowCount
    },
    async customers(tx, customers) {
      if (customers.length === 0) return 0
      await owned.customers.assertOwned(tx)
      const nowMs = clock.now()
      const rows = customers.map(({ id, name, email }) => [id, name, email, CREDIT_LIMIT_CENTS, nowMs])
      const added = await tx.query<{ id: string; email: string }>(insertAll(CUSTOMERS, rows, `${KNOWN_STAYS} RETURNING id, email`))
      const events = added.map(({ id, email }) =>
        customerImported({ customerId: id, canBeBilled: canBeBilled(email), creditLimitCents: CREDIT_LIMIT_CENTS }),
      )
      await outbox.add(tx, ...events)
      return added.length
    },
    async isEmpty(module) {
      return (await database.query({ sql: SELECT_ANY[module] })).length === 0
    },
  }
}
