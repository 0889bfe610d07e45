import { z } from 'zod'
import { id, text } from '../../../platform/text.ts'

/** A completed order from another time or system. Its id comes from outside, so that taking it over twice changes nothing. */
export const importedOrder = z.object({
  id,
  customerId: id,
  placedAt: z.iso.datetime(),
  lines: z
    .array(
      z.object({
        productId: id,
        name: text.max(200),
        quantity: z.int().min(1),
        /** Price of one piece when the order was placed. */
        priceCents: z.int().min(0),
        /** What the line costs less than quantity times price. */
        discountCents: z.int().min(0).optional(),
      }),
    )
    .min(1)
    .readonly(),
  /** The sum of its lines, discounts taken off. */
  totalCents: z.int().min(0),
})

export type ImportedOrder = z.output<typeof importedOrder>
