import { type DocumentProjection, documentProjection } from 'seaworthy/projections'
import type { PaymentEvent } from '../domain/payment.ts'

/** A payment as its customer's statement shows it. Nothing personal: who the customer is, their owner knows. */
export interface PaymentEntry {
  readonly paymentId: string
  readonly orderId: string
  readonly customerId: string
  readonly amountCents: number
  readonly status: 'charged' | 'refunded'
  readonly chargedAtMs: number
  readonly refundedAtMs?: number
}

type Charged = Extract<PaymentEvent, { readonly type: 'charged' }>
type Refunded = Extract<PaymentEvent, { readonly type: 'refunded' }>

/** Streams of payments are named so. */
export const PAYMENT_STREAM = 'payment-'

/** The name under which it is asked for, and rebuilt. */
export const CUSTOMER_PAYMENTS = 'customer-payments'

/** A document for each payment, in a list for each customer, the newest first. The same functions in each version: a version is a rebuild. */
export function customerPayments(version: number): DocumentProjection {
  return documentProjection<PaymentEntry, { charged: Charged; refunded: Refunded }>({
    name: CUSTOMER_PAYMENTS,
    version,
    on: {
      charged: (_, { data: { orderId, customerId, amountCents }, time, key }) => ({
        paymentId: key.slice(PAYMENT_STREAM.length),
        orderId,
        customerId,
        amountCents,
        status: 'charged',
        chargedAtMs: Date.parse(time),
      }),
      refunded: (entry, { time }) => entry && { ...entry, status: 'refunded', refundedAtMs: Date.parse(time) },
    },
    listing: ({ customerId, chargedAtMs }) => ({ in: customerId, at: chargedAtMs }),
  })
}
