import { restContract } from '@seaworthy/rpc/rest'
import { z } from 'zod'

/** What analytics answers through the gateway. */
export const analyticsApi = restContract({
  title: 'Figures',
  version: '1.0.0',
  operations: {
    getSummary: {
      method: 'GET',
      path: '/api/analytics/summary',
      summary: 'What was sold, and how many registered; behind the orders by a moment',
      responses: {
        200: z.object({
          ordersCompleted: z.int(),
          ordersRejected: z.int(),
          revenueCents: z.int(),
          customers: z.int().meta({ description: 'Registered, whether they bought or not.' }),
          topProducts: z
            .array(z.object({ productId: z.string(), name: z.string(), quantity: z.int(), revenueCents: z.int() }))
            .readonly()
            .meta({ description: 'The ten that brought most.' }),
        }),
      },
    },
  },
})
