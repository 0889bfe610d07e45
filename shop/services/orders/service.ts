import { defineService } from 'seaworthy/system'
import { ORDERS_TOPIC } from './contract/events.ts'

export const service = defineService({
  name: 'orders',
  context: 'ordering',
  purpose: 'Accepts orders and sees them through.',
  owns: ['orders'],
  publishes: [ORDERS_TOPIC],
  consumes: [],
  calls: ['monolith', 'inventory', 'payments', 'shipping'],
  main: new URL('./main.ts', import.meta.url),
  serves: ['http'],
})
