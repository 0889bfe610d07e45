import { defineService } from 'seaworthy/system'
import { CUSTOMERS_TOPIC } from '../customers/contract/events.ts'
import { ORDERS_TOPIC } from '../orders/contract/events.ts'

export const service = defineService({
  name: 'notifications',
  context: 'communication',
  purpose: 'Writes to customers when something happened to them.',
  owns: ['notifications'],
  publishes: [],
  consumes: [ORDERS_TOPIC, CUSTOMERS_TOPIC],
  calls: [],
  main: new URL('./main.ts', import.meta.url),
  serves: ['http'],
})
