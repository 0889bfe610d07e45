import type { Transaction } from 'seaworthy/core'
import { type EventEnvelope, type HandlerOfTypes, handlers, on } from 'seaworthy/messaging'
import { type ReviewData, reviewImported, reviewWritten } from '../../reviews/contract/events.ts'
import type { ProductRepository } from './ports.ts'

/** Keeps what the catalog shows of reviews. Counted by the review's id: what came over with the data and is told again counts once. */
export function rating(products: ProductRepository): HandlerOfTypes<[Transaction]> {
  const rate = ({ data: { reviewId, productId, rating: value } }: EventEnvelope<ReviewData>, tx: Transaction) =>
    products.rate(tx, { reviewId, productId, rating: value })
  return handlers([on(reviewWritten, rate), on(reviewImported, rate)], { others: 'ignore' })
}
