import type { Database } from 'seaworthy/core'
import type { Module } from '../domain/modules.ts'
import type { TakingOver } from './taking-over.ts'

/** Fills those of these modules that are empty with their part of a seed, in one transaction. @returns whether one was empty */
export async function seedMonolith(options: {
  database: Database
  takingOver: TakingOver
  modules: readonly Module[]
  seed: number
}): Promise<boolean> {
  const { database, takingOver, modules, seed } = options
  const empty = new Set<Module>()
  for (const module of modules) if (await takingOver.isEmpty(module)) empty.add(module)
  if (empty.size === 0) return false
  // Loaded at the first start only: the generator is large.
  const [{ seedProducts, seedReviews }, { seedCustomers }] = await Promise.all([
    import('../../seed/catalog.ts'),
    import('../../seed/customers.ts'),
  ])
  const [products, reviews, customers] = [
    empty.has('catalog') ? await seedProducts(seed) : [],
    empty.has('reviews') ? await seedReviews(seed) : [],
    empty.has('customers') ? await seedCustomers(seed) : [],
  ]
  await database.transaction(async (tx) => {
    await takingOver.products(tx, products)
    await takingOver.reviews(tx, reviews)
    await takingOver.customers(tx, customers)
  })
  return true
}
