import { defineService } from 'seaworthy/system'
import { CATALOG_POLICY, CHECKOUT_POLICY, CUSTOMER_POLICY, ORDER_POLICY, REVIEWS_POLICY } from './policies.ts'

export const service = defineService({
  name: 'storefront',
  context: 'shopping',
  purpose: 'Shows the shop to people: products, basket, checkout, and what became of an order.',
  owns: ['storefront'],
  publishes: [],
  consumes: [],
  calls: ['monolith', 'orders'],
  policies: {
    'monolith/catalog': CATALOG_POLICY,
    'monolith/reviews': REVIEWS_POLICY,
    'monolith/customers': CUSTOMER_POLICY,
    'orders/status': ORDER_POLICY,
    'orders/checkout': CHECKOUT_POLICY,
  },
  main: new URL('./main.ts', import.meta.url),
  serves: ['http'],
})
