import { defineService } from 'seaworthy/system'

export const service = defineService({
  name: 'storefront',
  context: 'shopping',
  purpose: 'Shows the shop to people: products, basket, checkout, and what became of an order.',
  owns: ['storefront'],
  publishes: [],
  consumes: [],
  calls: ['monolith', 'orders'],
  main: new URL('./main.ts', import.meta.url),
  serves: ['http'],
})
