import { defineService } from 'seaworthy/system'
import { CATALOG_POLICY, CHECKOUT_POLICY, CUSTOMER_POLICY, ORDER_POLICY, REVIEWS_POLICY } from './policies.ts'

export const service = defineService({
  name: 'storefront',
  context: 'shopping',
  purpose: 'Shows the shop to people: products, basket, checkout, and what became of an order; and to programs, where to begin.',
  owns: [],
  publishes: [],
  consumes: [],
  calls: ['catalog', 'reviews', 'customers', 'orders'],
  policies: {
    catalog: CATALOG_POLICY,
    reviews: REVIEWS_POLICY,
    customers: CUSTOMER_POLICY,
    'orders/status': ORDER_POLICY,
    'orders/checkout': CHECKOUT_POLICY,
  },
  main: new URL('./main.ts', import.meta.url),
  serves: ['http'],
})
