import { defineService } from 'seaworthy/system'
import { SHIPPING_TOPIC, shipmentBooked, shipmentCancelled } from './contract/events.ts'

export const service = defineService({
  name: 'shipping',
  context: 'fulfilment',
  purpose: 'Books parcels with the carrier.',
  owns: ['shipping'],
  publishes: [SHIPPING_TOPIC],
  consumes: [],
  emits: [shipmentBooked, shipmentCancelled],
  calls: [],
  main: new URL('./main.ts', import.meta.url),
  serves: ['http', 'grpc'],
})
