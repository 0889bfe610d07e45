import { defineService } from 'seaworthy/system'

/** The shop before anything was taken out of it: nobody else to call, and nobody to publish anything for. */
export const service = defineService({
  name: 'monolith',
  role: 'monolith',
  context: 'legacy',
  purpose: 'Is the whole shop: catalog, reviews, customers, orders, stock, payments, shipping, letters and figures.',
  owns: ['monolith'],
  publishes: [],
  consumes: [],
  calls: [],
  main: new URL('../monolith-process.ts', import.meta.url),
  serves: ['http'],
})
