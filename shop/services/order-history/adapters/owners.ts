import type { RestClient } from '@seaworthy/rpc/rest'
import type { ordersByCustomer } from '../../orders/contract/rest.ts'
import type { parcelsApi } from '../../shipping/contract/rest.ts'
import type { Owners } from '../application/composing.ts'

/** Those who own the parts of the history, over REST. */
export function ownersOver(clients: {
  readonly orders: RestClient<(typeof ordersByCustomer)['operations']>
  readonly parcels: RestClient<(typeof parcelsApi)['operations']>
}): Owners {
  return {
    async orders(customerId, query, call) {
      const { body } = await clients.orders.listOrdersByCustomer({ params: { customerId }, query }, call)
      const items = body.items.map(({ orderId, status, reason, lines, totalCents, placedAt }) => {
        return { orderId, status, ...(reason !== undefined && { reason }), lines, totalCents, placedAt }
      })
      return { items, total: body.total }
    },
    async parcels(orderIds, call) {
      const { body } = await clients.parcels.listParcels({ query: { orderIds: orderIds.join(',') } }, call)
      return new Map(body.items.map(({ orderId, state }) => [orderId, state]))
    },
  }
}
