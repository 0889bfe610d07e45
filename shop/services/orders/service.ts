import { defineService } from 'seaworthy/system'
import { ORDERS_TOPIC, orderCompleted, orderImported, orderPlaced, orderRejected } from './contract/events.ts'
import { PARTICIPANT_POLICY, QUESTION_POLICY } from './policies.ts'

export const service = defineService({
  name: 'orders',
  context: 'ordering',
  purpose: 'Accepts orders and sees them through.',
  owns: ['orders'],
  publishes: [ORDERS_TOPIC],
  consumes: [],
  emits: [orderPlaced, orderCompleted, orderRejected, orderImported],
  calls: ['catalog', 'customers', 'inventory', 'payments', 'shipping'],
  policies: {
    catalog: QUESTION_POLICY,
    customers: QUESTION_POLICY,
    inventory: PARTICIPANT_POLICY,
    payments: PARTICIPANT_POLICY,
    shipping: PARTICIPANT_POLICY,
  },
  main: new URL('./main.ts', import.meta.url),
  serves: ['http'],
})
