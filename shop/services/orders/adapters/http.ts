import { NotFoundError } from 'seaworthy/core'
import { CONSISTENCY_HEADER, consistencyToken, joinConsistencyTokens } from 'seaworthy/projections'
import { takenOver } from '../../../platform/take-over.ts'
import type { ServeRest } from '../../../platform/service-ports.ts'
import type { OrderRepository } from '../application/ports.ts'
import type { PlaceOrder } from '../application/place-order.ts'
import type { TakeOverOrders } from '../application/taking-over.ts'
import { lastEventOf, ORDERS_TOPIC } from '../contract/events.ts'
import { ordersApi, ordersByCustomer, ordersImport } from '../contract/rest.ts'
import type { Order, OrderState } from '../domain/order.ts'

export function serveOrders(
  serve: ServeRest,
  options: {
    placeOrder: PlaceOrder
    orders: OrderRepository
    takeOver: TakeOverOrders
    /** What a query of the payments waits by, once the order is paid. Default: nothing. */
    paymentToken?: (orderId: string) => Promise<string | undefined>
  },
): void {
  serve(ordersApi, {
    checkout: async ({ body, call }) => {
      const order = await options.placeOrder(body, call.idempotencyKey, call)
      const sequence = lastEventOf(order.state.status)
      const placed = consistencyToken({ kind: 'event', topic: ORDERS_TOPIC, key: order.id, sequence })
      // The order is placed: that this cannot be read is no reason to say anything else.
      const paid = await options.paymentToken?.(order.id).catch(() => undefined)
      const headers = { location: `/api/orders/${order.id}`, [CONSISTENCY_HEADER]: joinConsistencyTokens(placed, paid) }
      return { status: 201, headers, body: { orderId: order.id, ...shown(order.state), totalCents: order.totalCents } }
    },
    getOrder: async ({ params }) => {
      const order = await options.orders.find(params.orderId)
      if (order === undefined) throw new NotFoundError(`There is no order ${params.orderId}.`)
      return { status: 200, body: asAnswered(order) }
    },
  })
  serve(ordersByCustomer, {
    listOrdersByCustomer: async ({ params: { customerId }, query }) => {
      const { items, total } = await options.orders.page(customerId, query)
      return { status: 200, body: { items: items.map(asAnswered), total } }
    },
  })
  serve(ordersImport, {
    importOrders: async ({ body }) => {
      return takenOver(body.orders, await options.takeOver(body.orders))
    },
  })
}

function asAnswered(order: Order) {
  const { id, customerId, lines, totalCents, placedAtMs } = order
  return { orderId: id, customerId, ...shown(order.state), lines, totalCents, placedAt: new Date(placedAtMs).toISOString() }
}

function shown(state: OrderState): { status: OrderState['status']; reason?: string } {
  return state.status === 'rejected' ? { status: state.status, reason: state.reason } : { status: state.status }
}
