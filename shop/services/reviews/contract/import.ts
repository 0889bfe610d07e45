import { z } from 'zod'
import { id, text } from '../../../platform/text.ts'

/** A review of another system, or of the seed. Its id comes from outside, so that taking it over twice changes nothing. */
export const importedReview = z.object({
  id,
  productId: id,
  author: text.min(1).max(200),
  rating: z.int().min(1).max(5),
  comment: text.max(2_000),
  createdAt: z.iso.datetime(),
})

export type ImportedReview = z.output<typeof importedReview>
