import type { ImportedCustomer } from '../services/customers/contract/import.ts'
import { CUSTOMERS, invent } from './invent.ts'

/** The customers of a seed. Their addresses lead nowhere (RFC 2606). */
export async function seedCustomers(seed: number): Promise<readonly ImportedCustomer[]> {
  const faker = await invent(seed, 'customers')
  return Array.from({ length: CUSTOMERS }, (_, index) => ({
    id: `customer-${index + 1}`,
    name: faker.person.fullName(),
    email: `customer-${index + 1}@example.com`,
  }))
}
