import { restContract } from '@seaworthy/rpc/rest'
import { CONSISTENCY_HEADER } from 'seaworthy/projections'
import { z } from 'zod'
import { id } from '../../../platform/text.ts'

const paging = z.object({
  page: z.coerce.number().int().min(1).max(1_000_000).default(1),
  pageSize: z.coerce.number().int().min(1).max(100).default(20),
})

const line = z.object({
  productId: id,
  name: z.string(),
  quantity: z.int().min(1),
  priceCents: z.int().min(0),
  discountCents: z.int().min(0).optional(),
})

const pageOfOrders = z.object({
  items: z
    .array(
      z.object({
        orderId: id,
        status: z.enum(['pending', 'completed', 'rejected']),
        reason: z.string().optional(),
        parcel: z.enum(['booked', 'cancelled']).optional(),
        lines: z.array(line).readonly(),
        totalCents: z.int().min(0),
        placedAt: z.iso.datetime(),
      }),
    )
    .readonly(),
  page: z.int(),
  pageSize: z.int(),
  total: z.int(),
})

/** What order history answers through the gateway. */
export const orderHistoryApi = restContract({
  title: 'Order history',
  version: '1.0.0',
  operations: {
    listOrdersOfCustomer: {
      method: 'GET',
      path: '/api/customers/{customerId}/orders',
      summary: 'Orders of a customer, newest first; behind the orders by a moment',
      description:
        'With the consistency-token of a checkout it waits until that order is in the list as the checkout answered it, at most two seconds; then it is a 503 with Retry-After.',
      params: z.object({ customerId: id }),
      headers: z.object({ [CONSISTENCY_HEADER]: z.string().min(1).max(1_400).optional() }),
      query: paging,
      responses: { 200: pageOfOrders },
    },
    composeOrdersOfCustomer: {
      method: 'GET',
      path: '/api/customers/{customerId}/orders/composed',
      summary: 'The same by API composition: asked of orders and shipping in this moment',
      description: 'Without orders it fails; without shipping it has no parcels.',
      params: z.object({ customerId: id }),
      query: paging,
      responses: { 200: pageOfOrders },
    },
  },
})
