import { defineService, reaction } from 'seaworthy/system'
import { CUSTOMERS_TOPIC, customerCreated, customerForgotten } from '../customers/contract/events.ts'
import { ORDERS_TOPIC, orderCompleted } from '../orders/contract/events.ts'
import { CUSTOMERS_POLICY } from './policies.ts'

export const service = defineService({
  name: 'notifications',
  context: 'communication',
  purpose: 'Writes to customers when something happened to them.',
  owns: ['notifications'],
  publishes: [],
  consumes: [ORDERS_TOPIC, CUSTOMERS_TOPIC],
  reactions: [
    reaction(customerCreated, { does: 'writes a welcome' }),
    reaction(orderCompleted, { does: 'writes a confirmation' }),
    reaction(customerForgotten, { does: 'throws their letters away' }),
  ],
  calls: ['customers'],
  policies: { customers: CUSTOMERS_POLICY },
  main: new URL('./main.ts', import.meta.url),
  serves: ['http'],
})
