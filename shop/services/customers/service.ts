import { defineService } from 'seaworthy/system'
import { CUSTOMERS_TOPIC } from './contract/events.ts'

export const service = defineService({
  name: 'customers',
  context: 'customers',
  purpose: 'Knows who buys, and for how much at a time.',
  owns: ['customers'],
  publishes: [CUSTOMERS_TOPIC],
  consumes: [],
  calls: [],
  main: new URL('./main.ts', import.meta.url),
  serves: ['http'],
})
