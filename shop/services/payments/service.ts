import { defineService } from 'seaworthy/system'
import { PAYMENTS_TOPIC } from './contract/events.ts'

export const service = defineService({
  name: 'payments',
  context: 'billing',
  purpose: 'Charges cards and keeps the ledger.',
  owns: ['payments'],
  publishes: [PAYMENTS_TOPIC],
  consumes: [],
  calls: [],
  main: new URL('./main.ts', import.meta.url),
  serves: ['http', 'grpc'],
})
