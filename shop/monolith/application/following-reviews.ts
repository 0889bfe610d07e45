import type { Transaction } from 'seaworthy/core'
import { type EventEnvelope, on } from 'seaworthy/messaging'
import { type ReviewData, reviewImported, reviewWritten } from '../../services/reviews/contract/events.ts'

// What is there already came over with the table, or with an earlier delivery. By primary key.
const INSERT_REVIEW = `INSERT INTO reviews (id, product_id, customer_id, author, rating, comment, created_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (id) DO NOTHING`

async function copy({ data }: EventEnvelope<ReviewData>, tx: Transaction): Promise<void> {
  const { reviewId, productId, customerId, author, rating, comment, createdAt } = data
  await tx.execute({
    sql: INSERT_REVIEW,
    params: [reviewId, productId, customerId ?? null, author, rating, comment, Date.parse(createdAt)],
  })
}

/**
 * Keeps the monolith's table of reviews as the service's, since its catalog counts and averages there. It is a copy: nobody writes to it but this.
 */
export const followingReviews = [on(reviewWritten, copy), on(reviewImported, copy)]
