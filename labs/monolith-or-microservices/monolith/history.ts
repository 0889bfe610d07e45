import type { Database } from 'seaworthy/core'
import type { ServeRest } from '../../../shop/platform/service-ports.ts'
import { composingHistory, type OwnedOrder } from '../../../shop/services/order-history/application/composing.ts'
import { orderHistoryApi } from '../../../shop/services/order-history/contract/rest.ts'
import type { OrderRepository } from '../../../shop/services/orders/application/ports.ts'
import type { Order } from '../../../shop/services/orders/domain/order.ts'
import { parcelsOf } from '../../../shop/services/shipping/adapters/shipment-repository.ts'

/** Serves what customers ordered, straight from the tables of orders and shipments: there is no second copy, and nothing to wait for. */
export function serveHistoryOfTables(serve: ServeRest, { database, orders }: { database: Database; orders: OrderRepository }): void {
  const history = composingHistory({
    async orders(customerId, page) {
      const { items, total } = await orders.page(customerId, page)
      return { items: items.map(asAnswered), total }
    },
    parcels: async (ids) => new Map((await parcelsOf(database, ids)).map(({ orderId, state }) => [orderId, state])),
  })
  const answer = async (customerId: string, query: { page: number; pageSize: number }, call: Parameters<typeof history>[2]) => {
    const { items, total } = await history(customerId, query, call)
    return { status: 200 as const, body: { items: [...items], ...query, total } }
  }
  serve(orderHistoryApi, {
    listOrdersOfCustomer: ({ params, query, call }) => answer(params.customerId, query, call),
    composeOrdersOfCustomer: ({ params, query, call }) => answer(params.customerId, query, call),
  })
}

function asAnswered({ id, state, lines, totalCents, placedAtMs }: Order): OwnedOrder {
  return {
    orderId: id,
    status: state.status,
    ...(state.status === 'rejected' && { reason: state.reason }),
    lines,
    totalCents,
    placedAt: new Date(placedAtMs).toISOString(),
  }
}
