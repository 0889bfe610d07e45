import { defineEvent } from 'seaworthy/messaging'
import { z } from 'zod'

/** The topic of shipping. */
export const SHIPPING_TOPIC = 'shipping'

const shipment = z.object({
  shipmentId: z.string().min(1),
  orderId: z.string().min(1),
  customerId: z.string().min(1),
  lines: z
    .array(z.object({ productId: z.string().min(1), name: z.string(), quantity: z.int().min(1) }))
    .min(1)
    .readonly(),
})

export type ShipmentData = z.output<typeof shipment>

const about = { topic: SHIPPING_TOPIC, version: 1, key: (data: { orderId: string }) => data.orderId }

/** A parcel was booked for an order. */
export const shipmentBooked = defineEvent<ShipmentData>('shipment.booked', { ...about, schema: shipment })

/** A parcel that was booked for an order will not leave. */
export const shipmentCancelled = defineEvent<ShipmentData>('shipment.cancelled', { ...about, schema: shipment })
