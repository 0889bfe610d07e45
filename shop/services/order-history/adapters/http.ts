import type { Clock } from 'seaworthy/core'
import { CONSISTENCY_HEADER, type ReadAfter, readAfter, type ReadStore } from 'seaworthy/projections'
import type { ServeRest } from '../../../platform/service-ports.ts'
import type { ComposeHistory } from '../application/composing.ts'
import { type HistoryEntry, orderHistoryProjection } from '../application/order-history.ts'
import { ORDERS_TOPIC } from '../../orders/contract/events.ts'
import { orderHistoryApi } from '../contract/rest.ts'

/** How long a customer waits for what she just ordered. */
const WAIT_MS = 2_000
const projection = orderHistoryProjection.name
/** The token of a checkout. */
const leadsHere = (wanted: ReadAfter) => wanted.kind === 'event' && wanted.topic === ORDERS_TOPIC

interface HistoryServing {
  readonly store: ReadStore
  readonly compose: ComposeHistory
  readonly clock: Clock
  readonly waitMs?: number
}

export function serveHistory(serve: ServeRest, { store, compose, clock, waitMs = WAIT_MS }: HistoryServing): void {
  serve(orderHistoryApi, {
    listOrdersOfCustomer: async ({ params: { customerId }, query: { page, pageSize }, headers, call }) => {
      const token = headers[CONSISTENCY_HEADER]
      await readAfter({ store, projection, token, leadsHere, timeoutMs: waitMs, signal: call.signal, clock })
      const { documents, total } = await store.list(projection, { in: customerId, offset: (page - 1) * pageSize, max: pageSize })
      const items = documents.flatMap(({ document }) => shown(document as HistoryEntry))
      return { status: 200, body: { items, page, pageSize, total } }
    },
    composeOrdersOfCustomer: async ({ params: { customerId }, query: { page, pageSize }, call }) => {
      const { items, total } = await compose(customerId, { page, pageSize }, call)
      return { status: 200, body: { items: [...items], page, pageSize, total } }
    },
  })
}

function shown({ order, parcel }: HistoryEntry) {
  if (order === undefined) return []
  const { orderId, status, reason, lines, totalCents, placedAtMs } = order
  return [
    {
      orderId,
      status,
      ...(reason !== undefined && { reason }),
      ...(parcel !== undefined && { parcel }),
      lines,
      totalCents,
      placedAt: new Date(placedAtMs).toISOString(),
    },
  ]
}
