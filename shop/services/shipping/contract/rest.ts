import { restContract } from '@seaworthy/rpc/rest'
import { z } from 'zod'

export const ORDERS_ASKED_MAX = 100

/** For those who put an answer together from several services. On the service's own port, never routed by the gateway. */
export const parcelsApi = restContract({
  title: 'Parcels',
  version: '1.0.0',
  operations: {
    listParcels: {
      method: 'GET',
      path: '/internal/parcels',
      summary: 'Parcels of some orders; nothing for an order that has none',
      query: z.object({
        orderIds: z
          .string()
          .max(ORDERS_ASKED_MAX * 101)
          .meta({ description: 'Separated by commas.' }),
      }),
      responses: {
        200: z.object({ items: z.array(z.object({ orderId: z.string(), state: z.enum(['booked', 'cancelled']) })).readonly() }),
      },
    },
  },
})
