import { defineEvent } from 'seaworthy/messaging'
import { z } from 'zod'

/** The topic of inventory. */
export const INVENTORY_TOPIC = 'inventory'

const reservation = z.object({
  reservationId: z.string().min(1),
  orderId: z.string().min(1),
  lines: z
    .array(z.object({ productId: z.string().min(1), quantity: z.int().min(1) }))
    .min(1)
    .readonly(),
})

export type ReservationData = z.output<typeof reservation>

const about = { topic: INVENTORY_TOPIC, version: 1, key: (data: { orderId: string }) => data.orderId }

/** Stock was set aside for an order. */
export const stockReserved = defineEvent<ReservationData>('stock.reserved', { ...about, schema: reservation })

/** Stock that was set aside for an order is free again. */
export const stockReleased = defineEvent<ReservationData>('stock.released', { ...about, schema: reservation })
