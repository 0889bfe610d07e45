import { restContract } from '@seaworthy/rpc/rest'
import { CONSISTENCY_HEADER } from 'seaworthy/projections'
import { z } from 'zod'

const id = z.string().min(1).max(100)

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
      query: z.object({
        page: z.coerce.number().int().min(1).max(1_000_000).default(1),
        pageSize: z.coerce.number().int().min(1).max(100).default(20),
      }),
      responses: {
        200: z.object({
          items: z
            .array(
              z.object({
                orderId: id,
                status: z.enum(['pending', 'completed', 'rejected']),
                reason: z.string().optional(),
                lines: z
                  .array(
                    z.object({
                      productId: id,
                      name: z.string(),
                      quantity: z.int().min(1),
                      priceCents: z.int().min(0),
                      discountCents: z.int().min(0).optional(),
                    }),
                  )
                  .readonly(),
                totalCents: z.int().min(0),
                placedAt: z.iso.datetime(),
              }),
            )
            .readonly(),
          page: z.int(),
          pageSize: z.int(),
          total: z.int(),
        }),
      },
    },
  },
})
