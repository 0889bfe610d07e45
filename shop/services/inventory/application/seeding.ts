import type { Database } from 'seaworthy/core'
import type { StockRepository } from './ports.ts'

/** Fills an empty database with the stock of a seed's products, in one transaction. @returns whether it was empty */
export async function seedInventory(options: { database: Database; stock: StockRepository; seed: number }): Promise<boolean> {
  const { database, stock, seed } = options
  if (!(await stock.isEmpty())) return false
  // Loaded at the first start only: the generator is large.
  const { seedStock } = await import('../../../seed/catalog.ts')
  const received = await seedStock(seed)
  await database.transaction((tx) => stock.takeOver(tx, received))
  return true
}
