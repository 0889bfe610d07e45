import { defineService, reaction } from 'seaworthy/system'
import { CUSTOMERS_TOPIC, customerCreated, customerImported } from '../customers/contract/events.ts'
import { ORDERS_TOPIC, orderCompleted } from '../orders/contract/events.ts'

export const service = defineService({
  name: 'notifications',
  context: 'communication',
  purpose: 'Writes to customers when something happened to them.',
  owns: ['notifications'],
  publishes: [],
  consumes: [ORDERS_TOPIC, CUSTOMERS_TOPIC],
  reactions: [
    reaction(customerCreated, { does: 'keeps the address, writes a welcome' }),
    reaction(customerImported, { does: 'keeps the address' }),
    reaction(orderCompleted, { does: 'writes a confirmation' }),
  ],
  calls: [],
  main: new URL('./main.ts', import.meta.url),
  serves: ['http'],
})
