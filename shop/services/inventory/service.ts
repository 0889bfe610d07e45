import { defineService, reaction } from 'seaworthy/system'
import { SHIPPING_TOPIC, shipmentBooked } from '../shipping/contract/events.ts'
import { INVENTORY_TOPIC, stockReleased, stockReserved } from './contract/events.ts'

export const service = defineService({
  name: 'inventory',
  context: 'inventory',
  purpose: 'Knows what is in stock, and sets it aside for orders.',
  owns: ['inventory'],
  publishes: [INVENTORY_TOPIC],
  consumes: [SHIPPING_TOPIC],
  emits: [stockReserved, stockReleased],
  reactions: [reaction(shipmentBooked, { does: 'takes the pieces out of stock' })],
  calls: [],
  main: new URL('./main.ts', import.meta.url),
  serves: ['http', 'grpc'],
})
