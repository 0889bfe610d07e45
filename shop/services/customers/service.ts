import { defineService, reaction } from 'seaworthy/system'
import { creditChecked, PAYMENTS_TOPIC } from '../payments/contract/events.ts'
import { customerCreated, customerForgotten, customerImported, CUSTOMERS_TOPIC } from './contract/events.ts'

export const service = defineService({
  name: 'customers',
  context: 'customers',
  purpose: 'Knows who buys, and for how much at a time.',
  owns: ['customers'],
  publishes: [CUSTOMERS_TOPIC],
  consumes: [PAYMENTS_TOPIC, CUSTOMERS_TOPIC],
  emits: [customerCreated, customerImported, customerForgotten],
  reactions: [
    reaction(creditChecked, { does: 'sets the limit for one order' }),
    reaction(customerForgotten, { does: 'cleans its files, whoever erased' }),
  ],
  calls: [],
  main: new URL('./main.ts', import.meta.url),
  serves: ['http'],
})
