import { defineEvent } from 'seaworthy/messaging'
import { z } from 'zod'

/** The topic of orders. */
export const ORDERS_TOPIC = 'orders'

const line = z.object({
  productId: z.string().min(1),
  name: z.string(),
  quantity: z.int().min(1),
  /** Price of one piece when the order was placed. */
  priceCents: z.int().min(0),
  /** What this line costs less than quantity times price. */
  discountCents: z.int().min(0).optional(),
})

const order = z.object({
  orderId: z.string().min(1),
  customerId: z.string().min(1),
  lines: z.array(line).min(1).readonly(),
  totalCents: z.int().min(0),
})

const placed = order
const completed = order
const rejected = order.extend({
  /** In a form a program can act on: `out-of-stock`, `card-declined`, `shipping-refused`, `credit-limit-exceeded`. */
  reason: z.string().min(1),
})
const imported = order.extend({ placedAt: z.iso.datetime() })

export type OrderEventLine = z.output<typeof line>
export type OrderPlaced = z.output<typeof placed>
export type OrderCompleted = z.output<typeof completed>
export type OrderRejected = z.output<typeof rejected>
export type OrderImported = z.output<typeof imported>

const about = { topic: ORDERS_TOPIC, version: 1, key: (data: { orderId: string }) => data.orderId }

/** An order was accepted; its checkout has begun. */
export const orderPlaced = defineEvent<OrderPlaced>('order.placed', { ...about, schema: placed })

/** An order is paid and booked for shipment. */
export const orderCompleted = defineEvent<OrderCompleted>('order.completed', { ...about, schema: completed })

/** An order will not be fulfilled; whatever was done for it has been or is being undone. */
export const orderRejected = defineEvent<OrderRejected>('order.rejected', { ...about, schema: rejected })

/** A completed order from another time or system became known. It is history: nobody is to be told about it. */
export const orderImported = defineEvent<OrderImported>('order.imported', { ...about, schema: imported })

/** The number of the last event of an order in this state: an order is placed, and then completed or rejected. */
export function lastEventOf(status: 'pending' | 'completed' | 'rejected'): number {
  return status === 'pending' ? 1 : 2
}
