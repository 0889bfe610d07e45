import { defineMapping } from '@seaworthy/strangler/cut-over'

const SHARED = ['id', 'product_id', 'customer_id', 'author', 'rating', 'comment'] as const

/** The monolith's table of reviews, and the service's. */
export const reviewsMapping = defineMapping({
  name: 'reviews',
  old: { reviews: { key: 'id', primaryKey: ['id'], columns: [...SHARED, 'created_at_ms'] } },
  new: { reviews: { key: 'id', primaryKey: ['id'], columns: [...SHARED, 'written_at_ms'] } },
  toNew: ({ reviews }) => ({ reviews: reviews.map(({ created_at_ms, ...review }) => ({ ...review, written_at_ms: created_at_ms })) }),
  toOld: ({ reviews }) => ({ reviews: reviews.map(({ written_at_ms, ...review }) => ({ ...review, created_at_ms: written_at_ms })) }),
})
