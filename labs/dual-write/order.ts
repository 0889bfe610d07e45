import type { Schema } from 'seaworthy/core'
import { defineEvent } from 'seaworthy/messaging'
import type { SchemaComponent } from 'seaworthy/sqlite'

/** An order, as it goes from service to service. */
export interface Order {
  readonly orderId: string
}

export const ORDERS_TOPIC = 'orders'

// In a real service a schema checks what comes in.
const anyOrder: Schema<Order> = { '~standard': { version: 1, vendor: 'lab', validate: (value) => ({ value: value as Order }) } }

/** An order was stored. */
export const orderPlaced = defineEvent('order.placed', { topic: ORDERS_TOPIC, version: 1, key: ({ orderId }) => orderId, schema: anyOrder })

/** Of the service that takes orders. */
export const ORDERS_SCHEMA: SchemaComponent = {
  component: 'orders',
  versions: ['CREATE TABLE orders (order_id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID'],
}

/** Of the service that ships them. Nothing here keeps a second parcel away: that is what is looked at. */
export const SHIPPING_SCHEMA: SchemaComponent = {
  component: 'shipping',
  versions: ['CREATE TABLE parcels (packed_by TEXT NOT NULL, order_id TEXT NOT NULL, event_id TEXT NOT NULL) STRICT'],
}

/** The two consumers of the lab, which differ in the inbox alone; also the names of their groups. */
export const CONSUMERS = ['without-inbox', 'with-inbox'] as const
export type ConsumerName = (typeof CONSUMERS)[number]

/** A body as the console shows it. A real service replaces secrets (`redactedJson` of `@seaworthy/telemetry`); an order of the lab is a number. */
export const shown = (body: unknown) => JSON.stringify(body, null, 2)
