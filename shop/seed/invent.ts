import type { Faker } from '@faker-js/faker'

export const PRODUCTS = 500
export const REVIEWS = 2_000
export const CUSTOMERS = 500
export const ORDERS = 200

/** "Now" for invented dates: a seed that looked at the clock would give another shop every day. */
export const REFERENCE_TIME = '2026-01-01T00:00:00.000Z'

const PARTS = ['products', 'stock', 'reviews', 'customers', 'orders'] as const

/**
 * The generator, set back for one part of the shop: each service invents its own part, in its own process, and they fit together.
 * Loaded only when there is something to invent, because it is large.
 */
export async function invent(seed: number, part: (typeof PARTS)[number]): Promise<Faker> {
  const { faker } = await import('@faker-js/faker/locale/en')
  faker.seed([seed, PARTS.indexOf(part)])
  return faker
}
