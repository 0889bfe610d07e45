import type { Database, SqlValue } from 'seaworthy/core'
import { offsetOf } from '../../../platform/paging.ts'
import { insertAll } from '../../../platform/statements.ts'
import type { ReviewRepository } from '../application/ports.ts'
import { ANONYMOUS, type Review } from '../domain/review.ts'

const REVIEWS = 'reviews (id, product_id, customer_id, author, rating, comment, written_at_ms, told)'
// By reviews_by_product.
const SELECT_PAGE = `SELECT id, product_id, customer_id, author, rating, comment, written_at_ms FROM reviews
  WHERE product_id = ? ORDER BY written_at_ms DESC, id LIMIT ? OFFSET ?`
// By reviews_by_product.
const COUNT = 'SELECT count(*) AS total FROM reviews WHERE product_id = ?'
// By primary key.
const KNOWN_STAYS = 'ON CONFLICT (id) DO NOTHING RETURNING id'
// By reviews_untold, and by primary key. Whoever else tells at the same time finds them told.
const TAKE_UNTOLD = `UPDATE reviews SET told = 1 WHERE told = 0 AND id IN (SELECT id FROM reviews WHERE told = 0 ORDER BY id LIMIT ?)
  RETURNING id, product_id, customer_id, author, rating, comment, written_at_ms`
// By primary key, both. Whoever comes second waits for the first to commit.
const ADMIT = `INSERT INTO reviewers (customer_id, forgotten) VALUES (?, 0)
  ON CONFLICT (customer_id) DO UPDATE SET forgotten = reviewers.forgotten RETURNING forgotten`
const FORGET = 'INSERT INTO reviewers (customer_id, forgotten) VALUES (?, 1) ON CONFLICT (customer_id) DO UPDATE SET forgotten = 1'
// The whole table, both: people are forgotten rarely, and an index would be kept for each review.
const COUNT_SIGNED = `SELECT count(*) AS count FROM reviews WHERE customer_id = ? AND author <> '${ANONYMOUS}'`
const UNSIGN = `UPDATE reviews SET author = '${ANONYMOUS}' WHERE customer_id = ? AND author <> '${ANONYMOUS}'`
const SELECT_ANY = 'SELECT 1 AS found FROM reviews LIMIT 1'

interface ReviewRow {
  readonly id: string
  readonly product_id: string
  readonly customer_id: string | null
  readonly author: string
  readonly rating: number
  readonly comment: string
  readonly written_at_ms: number
}

export function reviewRepository(database: Database): ReviewRepository {
  return {
    async ofProduct({ productId, page, pageSize }) {
      const rows = await database.query<ReviewRow>({ sql: SELECT_PAGE, params: [productId, pageSize, offsetOf({ page, pageSize })] })
      const [count] = await database.query<{ total: number }>({ sql: COUNT, params: [productId] })
      return { items: rows.map(toReview), page, pageSize, total: count?.total ?? 0 }
    },
    async add(tx, review) {
      await tx.execute(insertAll(REVIEWS, [valuesOf(review)], ''))
    },
    async takeOver(tx, reviews) {
      if (reviews.length === 0) return new Set()
      const added = await tx.query<{ id: string }>(insertAll(REVIEWS, reviews.map(valuesOf), KNOWN_STAYS))
      return new Set(added.map(({ id }) => id))
    },
    async signedBy(customerId) {
      return (await database.query<{ count: number }>({ sql: COUNT_SIGNED, params: [customerId] }))[0]!.count
    },
    async admit(tx, customerId) {
      return (await tx.query<{ forgotten: number }>({ sql: ADMIT, params: [customerId] }))[0]!.forgotten === 0
    },
    async forget(tx, customerId) {
      await tx.execute({ sql: FORGET, params: [customerId] })
      return (await tx.execute({ sql: UNSIGN, params: [customerId] })).rowCount
    },
    async takeUntold(tx, max) {
      return (await tx.query<ReviewRow>({ sql: TAKE_UNTOLD, params: [max] })).map(toReview)
    },
    async isEmpty() {
      return (await database.query({ sql: SELECT_ANY })).length === 0
    },
  }
}

/** What is told of it goes into the same transaction. */
function valuesOf({ id, productId, customerId, author, rating, comment, writtenAtMs }: Review): readonly SqlValue[] {
  return [id, productId, customerId ?? null, author, rating, comment, writtenAtMs, 1]
}

function toReview(row: ReviewRow): Review {
  return {
    id: row.id,
    productId: row.product_id,
    ...(row.customer_id !== null && { customerId: row.customer_id }),
    author: row.author,
    rating: row.rating,
    comment: row.comment,
    writtenAtMs: row.written_at_ms,
  }
}
