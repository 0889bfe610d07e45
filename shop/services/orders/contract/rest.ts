import { restContract } from '@seaworthy/rpc/rest'
import { z } from 'zod'
import { id } from '../../../platform/text.ts'
import { RECORDS_MAX, takeOverOutcome } from '../../../platform/take-over.ts'
import { importedOrder } from './import.ts'

const status = z.enum(['pending', 'completed', 'rejected']).meta({
  description:
    'pending: accepted, and will be completed or rejected. completed: paid and booked for shipment. rejected: will not be fulfilled.',
})
const reason = z
  .string()
  .meta({ description: 'Why it was rejected: out-of-stock, card-declined, shipping-refused, credit-limit-exceeded.' })

const line = z.object({
  productId: id,
  name: z.string(),
  quantity: z.int().min(1),
  priceCents: z.int().min(0).meta({ description: 'Of one piece, when the order was placed.' }),
  discountCents: z.int().min(0).optional(),
})

/** An order as the public API shows it. */
const order = z.object({
  orderId: id,
  customerId: id,
  status,
  reason: reason.optional(),
  lines: z.array(line).readonly(),
  totalCents: z.int().min(0),
  placedAt: z.iso.datetime(),
})

/** What orders answers through the gateway. */
export const ordersApi = restContract({
  title: 'Orders',
  version: '1.0.0',
  operations: {
    checkout: {
      method: 'POST',
      path: '/api/checkout',
      summary: 'Order and pay',
      description:
        "Under the same Idempotency-Key the same order is answered; a different body under it is refused (422); while the first request is in flight, a second one is told to wait (409). The header consistency-token of the answer, sent to the list of the customer's orders or payments, makes that wait for this order, and for its payment once it is paid.",
      idempotencyKey: 'optional',
      body: z.object({
        customerId: id,
        lines: z
          .array(z.object({ productId: id, quantity: z.int().min(1).max(1_000_000) }))
          .min(1)
          .max(100)
          .readonly(),
        card: z.enum(['ok', 'declined', 'slow']).meta({ description: 'A test card. slow is charged at once, and takes 2 s to say so.' }),
      }),
      responses: { 201: z.object({ orderId: id, status, reason: reason.optional(), totalCents: z.int().min(0) }) },
    },
    getOrder: {
      method: 'GET',
      path: '/api/orders/{orderId}',
      summary: 'An order',
      params: z.object({ orderId: id }),
      responses: { 200: order },
    },
  },
})

/** For those who put an answer together from several services. On the service's own port, never routed by the gateway. */
export const ordersByCustomer = restContract({
  title: 'Orders by customer',
  version: '1.0.0',
  operations: {
    listOrdersByCustomer: {
      method: 'GET',
      path: '/internal/customers/{customerId}/orders',
      summary: 'Orders of a customer, newest first',
      params: z.object({ customerId: id }),
      query: z.object({
        page: z.coerce.number().int().min(1).max(1_000_000).default(1),
        pageSize: z.coerce.number().int().min(1).max(100).default(20),
      }),
      responses: { 200: z.object({ items: z.array(order).readonly(), total: z.int() }) },
    },
  },
})

/** Taking over from other systems. On the service's own port, never routed by the gateway. What is known already is left as it is. */
export const ordersImport = restContract({
  title: 'Import into orders',
  version: '1.0.0',
  operations: {
    importOrders: {
      method: 'POST',
      path: '/internal/import/orders',
      summary: 'Take over completed orders',
      body: z.object({ orders: z.array(importedOrder).min(1).max(RECORDS_MAX) }),
      responses: { 200: takeOverOutcome },
    },
  },
})
