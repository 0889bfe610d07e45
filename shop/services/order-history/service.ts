import { defineService } from 'seaworthy/system'
import { ORDERS_TOPIC } from '../orders/contract/events.ts'

export const service = defineService({
  name: 'order-history',
  context: 'ordering',
  purpose: 'Answers what a customer ordered, from a read model of its own.',
  owns: ['order-history'],
  publishes: [],
  consumes: [ORDERS_TOPIC],
  calls: [],
  main: new URL('./main.ts', import.meta.url),
  serves: ['http'],
})
