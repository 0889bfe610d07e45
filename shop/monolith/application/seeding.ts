import type { Database } from 'seaworthy/core'
import type { TakingOver } from './taking-over.ts'

/** Fills an empty database with the catalog, reviews and customers of a seed, in one transaction. @returns whether it was empty */
export async function seedMonolith(options: { database: Database; takingOver: TakingOver; seed: number }): Promise<boolean> {
  const { database, takingOver, seed } = options
  if (!(await takingOver.isEmpty())) return false
  // Loaded at the first start only: the generator is large.
  const [{ seedProducts, seedReviews }, { seedCustomers }] = await Promise.all([
    import('../../seed/catalog.ts'),
    import('../../seed/customers.ts'),
  ])
  const [products, reviews, customers] = [await seedProducts(seed), await seedReviews(seed), await seedCustomers(seed)]
  await database.transaction(async (tx) => {
    await takingOver.products(tx, products)
    await takingOver.reviews(tx, reviews)
    await takingOver.customers(tx, customers)
  })
  return true
}
