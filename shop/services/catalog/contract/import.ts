import { z } from 'zod'

/** A product of another system, or of the seed. Its id comes from outside, so that taking it over twice changes nothing. */
export const importedProduct = z.object({
  id: z.string().min(1).max(100),
  name: z.string().min(1).max(200),
  description: z.string().max(5_000),
  category: z.string().min(1).max(100),
  brand: z.string().min(1).max(100).optional(),
  // A gift cannot be charged. A million pieces at most on each of a hundred lines still add up to a whole number that JavaScript holds exactly.
  priceCents: z.int().min(1).max(50_000_000),
})

export type ImportedProduct = z.output<typeof importedProduct>
