import { defineService } from 'seaworthy/system'
import { SHIPPING_TOPIC } from '../shipping/contract/events.ts'
import { INVENTORY_TOPIC } from './contract/events.ts'

export const service = defineService({
  name: 'inventory',
  context: 'inventory',
  purpose: 'Knows what is in stock, and sets it aside for orders.',
  owns: ['inventory'],
  publishes: [INVENTORY_TOPIC],
  consumes: [SHIPPING_TOPIC],
  calls: [],
  main: new URL('./main.ts', import.meta.url),
  serves: ['http', 'grpc'],
})
