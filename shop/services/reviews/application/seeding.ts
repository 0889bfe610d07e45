import type { ReviewRepository } from './ports.ts'
import type { Reviewing } from './reviewing.ts'

/** Fills an empty database with the reviews of a seed, in one transaction. @returns whether it was empty */
export async function seedReviewing(options: { reviews: ReviewRepository; reviewing: Reviewing; seed: number }): Promise<boolean> {
  const { reviews, reviewing, seed } = options
  if (!(await reviews.isEmpty())) return false
  // Loaded at the first start only: the generator is large.
  const { seedReviews } = await import('../../../seed/catalog.ts')
  await reviewing.takeOver(await seedReviews(seed))
  return true
}
