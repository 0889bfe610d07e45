import { z } from 'zod'
import { id, text } from '../../../platform/text.ts'

/** A product of another system, or of the seed. Its id comes from outside, so that taking it over twice changes nothing. */
export const importedProduct = z.object({
  id,
  name: text.min(1).max(200),
  description: text.max(5_000),
  category: text.min(1).max(100),
  brand: text.min(1).max(100).optional(),
  // A gift cannot be charged. A million pieces at most on each of a hundred lines still add up to a whole number that JavaScript holds exactly.
  priceCents: z.int().min(1).max(50_000_000),
})

export type ImportedProduct = z.output<typeof importedProduct>
