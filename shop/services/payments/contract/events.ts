import { defineEvent } from 'seaworthy/messaging'
import { z } from 'zod'

/** The topic of payments. */
export const PAYMENTS_TOPIC = 'payments'

const payment = z.object({
  paymentId: z.string().min(1),
  orderId: z.string().min(1),
  customerId: z.string().min(1),
  amountCents: z.int().min(1),
})
const declined = payment.omit({ paymentId: true }).extend({ reason: z.string().min(1) })

export type PaymentData = z.output<typeof payment>
export type PaymentDeclined = z.output<typeof declined>

const about = { topic: PAYMENTS_TOPIC, version: 1, key: (data: { orderId: string }) => data.orderId }

/** Money was taken for an order. */
export const paymentCharged = defineEvent<PaymentData>('payment.charged', { ...about, schema: payment })

/** Money that was taken for an order was given back. */
export const paymentRefunded = defineEvent<PaymentData>('payment.refunded', { ...about, schema: payment })

/** A card was refused. No money moved. */
export const paymentDeclined = defineEvent<PaymentDeclined>('payment.declined', { ...about, schema: declined })

const credit = z.object({
  customerId: z.string().min(1),
  outcome: z.enum(['approved', 'reduced', 'refused']),
  /** What one order of the customer may cost. */
  limitCents: z.int().min(0),
  /** In a form a program can act on: `above-maximum`, `no-address-for-bills`. */
  reason: z.string().min(1).optional(),
})

export type CreditChecked = z.output<typeof credit>

/** The credit of a new customer was checked. */
export const creditChecked = defineEvent<CreditChecked>('credit.checked', {
  topic: PAYMENTS_TOPIC,
  version: 1,
  key: ({ customerId }) => customerId,
  schema: credit,
})
