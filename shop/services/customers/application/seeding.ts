import type { CustomerRepository } from './ports.ts'
import type { Registering } from './registering.ts'

/** Fills an empty database with the customers of a seed, in one transaction. @returns whether it was empty */
export async function seedRegistering(options: {
  customers: CustomerRepository
  registering: Registering
  seed: number
}): Promise<boolean> {
  const { customers, registering, seed } = options
  if (!(await customers.isEmpty())) return false
  // Loaded at the first start only: the generator is large.
  const { seedCustomers } = await import('../../../seed/customers.ts')
  await registering.takeOver(await seedCustomers(seed))
  return true
}
