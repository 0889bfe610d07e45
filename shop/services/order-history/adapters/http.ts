import type { ServeRest } from '../../../platform/service-ports.ts'
import type { HistoryRepository } from '../application/order-history.ts'
import { orderHistoryApi } from '../contract/rest.ts'

export function serveHistory(serve: ServeRest, history: HistoryRepository): void {
  serve(orderHistoryApi, {
    listOrdersOfCustomer: async ({ params: { customerId }, query: { page, pageSize } }) => {
      const { items, total } = await history.page(customerId, { page, pageSize })
      const shown = items.map(({ orderId, status, reason, lines, totalCents, placedAtMs }) => ({
        orderId,
        status,
        ...(reason !== undefined && { reason }),
        lines,
        totalCents,
        placedAt: new Date(placedAtMs).toISOString(),
      }))
      return { status: 200, body: { items: shown, page, pageSize, total } }
    },
  })
}
