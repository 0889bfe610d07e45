import { restContract } from '@seaworthy/rpc/rest'
import { z } from 'zod'
import { pageOf, paging } from '../../../platform/paging.ts'
import { id, text } from '../../../platform/text.ts'
import { RECORDS_MAX, takeOverOutcome } from '../../../platform/take-over.ts'
import { importedReview } from './import.ts'

const review = z.object({
  id,
  productId: id,
  customerId: id.optional(),
  author: z.string(),
  rating: z.int().min(1).max(5),
  comment: z.string(),
  createdAt: z.iso.datetime(),
})

/** What is asked about reviews, through the gateway and by other services. */
export const reviewsApi = restContract({
  title: 'Reviews',
  version: '1.0.0',
  operations: {
    listReviews: {
      method: 'GET',
      path: '/api/reviews',
      summary: 'Reviews of a product, newest first',
      query: z.object({ productId: id, ...paging }),
      responses: { 200: pageOf(review) },
    },
    writeReview: {
      method: 'POST',
      path: '/api/reviews',
      summary: 'Write a review',
      body: z.object({
        productId: id,
        customerId: id.optional(),
        author: text.trim().min(1).max(200).optional().meta({ description: "Default: the customer's name, or Anonymous." }),
        rating: z.int().min(1).max(5),
        comment: text.max(2_000).default(''),
      }),
      responses: { 201: review },
    },
  },
})

/** Taking over from other systems. On the service's own port, never routed by the gateway. What is known already is left as it is. */
export const reviewsImport = restContract({
  title: 'Import into reviews',
  version: '1.0.0',
  operations: {
    importReviews: {
      method: 'POST',
      path: '/internal/import/reviews',
      summary: 'Take over reviews; their products come first',
      body: z.object({ reviews: z.array(importedReview).min(1).max(RECORDS_MAX) }),
      responses: { 200: takeOverOutcome },
    },
  },
})
