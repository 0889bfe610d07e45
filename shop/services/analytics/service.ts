import { defineService, reaction } from 'seaworthy/system'
import { CUSTOMERS_TOPIC, customerCreated, customerImported } from '../customers/contract/events.ts'
import { ORDERS_TOPIC, orderCompleted, orderImported, orderRejected } from '../orders/contract/events.ts'

export const service = defineService({
  name: 'analytics',
  context: 'insight',
  purpose: 'Counts what was sold and to how many.',
  owns: ['analytics'],
  publishes: [],
  consumes: [ORDERS_TOPIC, CUSTOMERS_TOPIC],
  reactions: [
    reaction(customerCreated, { does: 'counts the customer' }),
    reaction(customerImported, { does: 'counts the customer' }),
    reaction(orderCompleted, { does: 'counts what was sold' }),
    reaction(orderImported, { does: 'counts what was sold' }),
    reaction(orderRejected, { does: 'counts the refusal' }),
  ],
  calls: [],
  main: new URL('./main.ts', import.meta.url),
  serves: ['http'],
})
