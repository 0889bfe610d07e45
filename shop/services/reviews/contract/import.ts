import { z } from 'zod'

/** A review of another system, or of the seed. Its id comes from outside, so that taking it over twice changes nothing. */
export const importedReview = z.object({
  id: z.string().min(1).max(100),
  productId: z.string().min(1).max(100),
  author: z.string().min(1).max(200),
  rating: z.int().min(1).max(5),
  comment: z.string().max(2_000),
  createdAt: z.iso.datetime(),
})

export type ImportedReview = z.output<typeof importedReview>
