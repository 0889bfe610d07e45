import { defineService } from 'seaworthy/system'
import { CUSTOMERS_TOPIC } from '../customers/contract/events.ts'
import { ORDERS_TOPIC } from '../orders/contract/events.ts'

export const service = defineService({
  name: 'analytics',
  context: 'insight',
  purpose: 'Counts what was sold and to how many.',
  owns: ['analytics'],
  publishes: [],
  consumes: [ORDERS_TOPIC, CUSTOMERS_TOPIC],
  calls: [],
  main: new URL('./main.ts', import.meta.url),
  serves: ['http'],
})
