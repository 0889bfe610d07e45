import { type Clock, type Database, InvalidInputError, type NewId } from 'seaworthy/core'
import { offsetOf, type Page, type PageRequest } from '../../platform/paging.ts'
import type { Ownership } from './ownership.ts'

interface Review {
  readonly id: string
  readonly productId: string
  readonly customerId?: string
  readonly author: string
  readonly rating: number
  readonly comment: string
  /** RFC 3339, UTC. */
  readonly createdAt: string
}

interface NewReview {
  readonly productId: string
  readonly customerId?: string | undefined
  readonly author?: string | undefined
  readonly rating: number
  readonly comment: string
}

interface ReviewsOptions {
  readonly database: Database
  readonly owned: Ownership
  readonly clock: Clock
  readonly newId: NewId
}

export interface Reviews {
  /** Newest first. */
  ofProduct(request: PageRequest & { readonly productId: string }): Promise<Page<Review>>
  /** @throws InvalidInputError when there is no such product or customer */
  write(review: NewReview): Promise<Review>
}

// By reviews_by_product.
const SELECT_REVIEWS = `SELECT id, product_id, customer_id, author, rating, comment, created_at_ms FROM reviews
  WHERE product_id = ? ORDER BY created_at_ms DESC, id LIMIT ? OFFSET ?`
const COUNT_REVIEWS = 'SELECT count(*) AS total FROM reviews WHERE product_id = ?'
const INSERT_REVIEW = `INSERT INTO reviews (id, product_id, customer_id, author, rating, comment, created_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?)`
// By primary key. Other modules' tables, as everywhere here.
const SELECT_PRODUCT = 'SELECT 1 AS found FROM products WHERE id = ?'
const SELECT_CUSTOMER = 'SELECT name FROM customers WHERE id = ? AND forgotten_at_ms IS NULL'

interface ReviewRow {
  readonly id: string
  readonly product_id: string
  readonly customer_id: string | null
  readonly author: string
  readonly rating: number
  readonly comment: string
  readonly created_at_ms: number
}

export function reviews({ database, owned, clock, newId }: ReviewsOptions): Reviews {
  return {
    async ofProduct({ productId, page, pageSize }) {
      const rows = await database.query<ReviewRow>({ sql: SELECT_REVIEWS, params: [productId, pageSize, offsetOf({ page, pageSize })] })
      const [count] = await database.query<{ total: number }>({ sql: COUNT_REVIEWS, params: [productId] })
      return { items: rows.map(toReview), page, pageSize, total: count?.total ?? 0 }
    },

    write: ({ productId, customerId, author, rating, comment }) =>
      database.transaction(async (tx) => {
        const known = await tx.query({ sql: SELECT_PRODUCT, params: [productId] })
        if (known.length === 0) throw unknown('productId', `there is no product ${productId}`)
        let customerName: string | undefined
        if (customerId !== undefined) {
          const [customer] = await tx.query<{ name: string }>({ sql: SELECT_CUSTOMER, params: [customerId] })
          if (customer === undefined) throw unknown('customerId', `there is no customer ${customerId}`)
          customerName = customer.name
        }
        const row: ReviewRow = {
          id: newId(),
          product_id: productId,
          customer_id: customerId ?? null,
          author: author ?? customerName ?? 'Anonymous',
          rating,
          comment,
          created_at_ms: clock.now(),
        }
        await owned.assertOwned(tx, row.id)
        await tx.execute({
          sql: INSERT_REVIEW,
          params: [row.id, row.product_id, row.customer_id, row.author, row.rating, row.comment, row.created_at_ms],
        })
        return toReview(row)
      }),
  }
}

function unknown(field: string, message: string): InvalidInputError {
  return new InvalidInputError(`The review cannot be stored: ${message}.`, [{ field, message }])
}

function toReview(row: ReviewRow): Review {
  return {
    id: row.id,
    productId: row.product_id,
    ...(row.customer_id !== null && { customerId: row.customer_id }),
    author: row.author,
    rating: row.rating,
    comment: row.comment,
    createdAt: new Date(row.created_at_ms).toISOString(),
  }
}
