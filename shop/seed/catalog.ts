import type { ImportedProduct } from '../services/catalog/contract/import.ts'
import type { ImportedStock } from '../services/inventory/contract/import.ts'
import type { ImportedReview } from '../services/reviews/contract/import.ts'
import { invent, PRODUCTS, REFERENCE_TIME, REVIEWS } from './invent.ts'

/** The products of a seed: the same for every run of it. */
export async function seedProducts(seed: number): Promise<readonly ImportedProduct[]> {
  const faker = await invent(seed, 'products')
  return Array.from({ length: PRODUCTS }, (_, index) => ({
    id: `product-${index + 1}`,
    name: faker.commerce.productName(),
    description: faker.commerce.productDescription(),
    category: faker.commerce.department(),
    brand: faker.company.name(),
    priceCents: faker.number.int({ min: 199, max: 20_000 }),
  }))
}

/** Enough of everything that a shop under test does not sell out by accident. */
export async function seedStock(seed: number): Promise<readonly ImportedStock[]> {
  const faker = await invent(seed, 'stock')
  return Array.from({ length: PRODUCTS }, (_, index) => ({
    productId: `product-${index + 1}`,
    quantity: faker.number.int({ min: 1_000, max: 20_000 }),
  }))
}

export async function seedReviews(seed: number): Promise<readonly ImportedReview[]> {
  const faker = await invent(seed, 'reviews')
  return Array.from({ length: REVIEWS }, (_, index) => ({
    id: `review-${index + 1}`,
    productId: `product-${faker.number.int({ min: 1, max: PRODUCTS })}`,
    author: faker.person.fullName(),
    rating: faker.helpers.weightedArrayElement([
      { value: 1, weight: 1 },
      { value: 2, weight: 1 },
      { value: 3, weight: 2 },
      { value: 4, weight: 5 },
      { value: 5, weight: 6 },
    ]),
    comment: faker.lorem.sentences({ min: 1, max: 3 }),
    createdAt: faker.date.past({ years: 2, refDate: REFERENCE_TIME }).toISOString(),
  }))
}
