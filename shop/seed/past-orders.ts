import type { ImportedOrder } from '../services/orders/contract/import.ts'
import { seedProducts } from './catalog.ts'
import { CUSTOMERS, invent, ORDERS, REFERENCE_TIME } from './invent.ts'

/** Orders of the seed's customers for the seed's products, from before the shop was opened. */
export async function seedPastOrders(seed: number): Promise<readonly ImportedOrder[]> {
  const products = await seedProducts(seed)
  const faker = await invent(seed, 'orders')
  return Array.from({ length: ORDERS }, (_, index) => {
    const lines = faker.helpers.arrayElements(products, { min: 1, max: 4 }).map(({ id, name, priceCents }) => ({
      productId: id,
      name,
      quantity: faker.number.int({ min: 1, max: 5 }),
      priceCents,
    }))
    return {
      id: `order-${index + 1}`,
      customerId: `customer-${faker.number.int({ min: 1, max: CUSTOMERS })}`,
      placedAt: faker.date.past({ years: 1, refDate: REFERENCE_TIME }).toISOString(),
      lines,
      totalCents: lines.reduce((sum, line) => sum + line.quantity * line.priceCents, 0),
    }
  })
}
