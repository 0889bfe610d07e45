import { defineService, reaction } from 'seaworthy/system'
import { PAYMENTS_TOPIC, creditChecked } from '../services/payments/contract/events.ts'
import { CUSTOMERS_TOPIC, customerCreated, customerImported } from './contract/events.ts'

export const service = defineService({
  name: 'monolith',
  role: 'monolith',
  context: 'legacy',
  purpose: 'Still owns catalog, reviews and customers, and owned everything once.',
  owns: ['monolith'],
  publishes: [CUSTOMERS_TOPIC],
  consumes: [PAYMENTS_TOPIC],
  emits: [customerCreated, customerImported],
  reactions: [reaction(creditChecked, { does: 'sets the limit for one order' })],
  calls: [],
  main: new URL('./main.ts', import.meta.url),
  serves: ['http'],
})
