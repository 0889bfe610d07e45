import { defineEvent } from 'seaworthy/messaging'
import { z } from 'zod'

/** The topic of reviews. In order for each product. */
export const REVIEWS_TOPIC = 'reviews'

const review = z.object({
  reviewId: z.string().min(1),
  productId: z.string().min(1),
  customerId: z.string().min(1).optional(),
  author: z.string().min(1),
  rating: z.int().min(1).max(5),
  comment: z.string(),
  createdAt: z.iso.datetime(),
})

export type ReviewData = z.output<typeof review>

const about = { topic: REVIEWS_TOPIC, version: 1, key: (data: { productId: string }) => data.productId }

/** Somebody reviewed a product. */
export const reviewWritten = defineEvent<ReviewData>('review.written', { ...about, schema: review })

/** A review from another time or system became known. It is history: nobody is to be told about it. */
export const reviewImported = defineEvent<ReviewData>('review.imported', { ...about, schema: review })
