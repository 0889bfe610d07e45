import { defineService } from 'seaworthy/system'
import { CUSTOMERS_TOPIC } from './contract/events.ts'

export const service = defineService({
  name: 'monolith',
  role: 'monolith',
  context: 'legacy',
  purpose: 'Still owns catalog, reviews and customers, and owned everything once.',
  owns: ['monolith'],
  publishes: [CUSTOMERS_TOPIC],
  consumes: [],
  calls: [],
  main: new URL('./main.ts', import.meta.url),
  serves: ['http'],
})
