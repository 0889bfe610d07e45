import { defineService, reaction } from 'seaworthy/system'
import { CUSTOMERS_TOPIC, customerCreated, customerForgotten } from '../customers/contract/events.ts'
import { PAYMENTS_TOPIC, creditChecked, paymentCharged, paymentDeclined, paymentRefunded } from './contract/events.ts'
import { PAYER_POLICY } from './policies.ts'

export const service = defineService({
  name: 'payments',
  context: 'billing',
  purpose: 'Charges cards, keeps the ledger, and decides who is given credit.',
  owns: ['payments'],
  publishes: [PAYMENTS_TOPIC],
  consumes: [CUSTOMERS_TOPIC],
  emits: [paymentCharged, paymentRefunded, paymentDeclined, creditChecked],
  reactions: [
    reaction(customerCreated, { does: 'checks the credit', followedBy: [creditChecked] }),
    reaction(customerForgotten, { does: 'deletes the key of the payer' }),
  ],
  calls: ['customers'],
  policies: { customers: PAYER_POLICY },
  main: new URL('./main.ts', import.meta.url),
  serves: ['http', 'grpc'],
})
