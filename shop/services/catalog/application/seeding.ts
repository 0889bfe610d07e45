import type { Database } from 'seaworthy/core'
import type { ProductRepository } from './ports.ts'

/** Fills an empty database with the products of a seed, in one transaction. @returns whether it was empty */
export async function seedCatalog(options: { database: Database; products: ProductRepository; seed: number }): Promise<boolean> {
  const { database, products, seed } = options
  if (!(await products.isEmpty())) return false
  // Loaded at the first start only: the generator is large.
  const { seedProducts } = await import('../../../seed/catalog.ts')
  const invented = await seedProducts(seed)
  await database.transaction((tx) => products.takeOver(tx, invented))
  return true
}
