import { defineService, reaction } from 'seaworthy/system'
import { ORDERS_TOPIC, orderCompleted, orderImported, orderPlaced, orderRejected } from '../orders/contract/events.ts'
import { SHIPPING_TOPIC, shipmentBooked, shipmentCancelled } from '../shipping/contract/events.ts'
import { ORDERS_POLICY, PARCELS_POLICY } from './policies.ts'

export const service = defineService({
  name: 'order-history',
  context: 'ordering',
  purpose: 'Answers what a customer ordered, from a read model of its own; and, to compare, by asking those who own it.',
  owns: ['order-history'],
  publishes: [],
  consumes: [ORDERS_TOPIC, SHIPPING_TOPIC],
  reactions: [
    ...[orderPlaced, orderCompleted, orderRejected, orderImported].map((event) => reaction(event, { does: 'records the order' })),
    ...[shipmentBooked, shipmentCancelled].map((event) => reaction(event, { does: 'records the parcel' })),
  ],
  calls: ['orders', 'shipping'],
  policies: { orders: ORDERS_POLICY, shipping: PARCELS_POLICY },
  main: new URL('./main.ts', import.meta.url),
  serves: ['http'],
})
