import { z } from 'zod'

/** What the monolith takes over from other systems, and from the seed. Ids come from outside, so that taking over twice changes nothing. */
export const importedProduct = z.object({
  id: z.string().min(1).max(100),
  name: z.string().min(1).max(200),
  description: z.string().max(5_000),
  category: z.string().min(1).max(100),
  brand: z.string().min(1).max(100).optional(),
  // A gift cannot be charged. A million pieces at most on each of a hundred lines still add up to a whole number that JavaScript holds exactly.
  priceCents: z.int().min(1).max(50_000_000),
})

export const importedReview = z.object({
  id: z.string().min(1).max(100),
  productId: z.string().min(1).max(100),
  author: z.string().min(1).max(200),
  rating: z.int().min(1).max(5),
  comment: z.string().max(2_000),
  createdAt: z.iso.datetime(),
})

export const importedCustomer = z.object({
  id: z.string().min(1).max(100),
  name: z.string().min(1).max(200),
  email: z.email().max(254),
})

export type ImportedProduct = z.output<typeof importedProduct>
export type ImportedReview = z.output<typeof importedReview>
export type ImportedCustomer = z.output<typeof importedCustomer>
