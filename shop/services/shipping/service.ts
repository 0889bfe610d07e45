import { defineService } from 'seaworthy/system'
import { SHIPPING_TOPIC } from './contract/events.ts'

export const service = defineService({
  name: 'shipping',
  context: 'fulfilment',
  purpose: 'Books parcels with the carrier.',
  owns: ['shipping'],
  publishes: [SHIPPING_TOPIC],
  consumes: [],
  calls: [],
  main: new URL('./main.ts', import.meta.url),
  serves: ['http', 'grpc'],
})
