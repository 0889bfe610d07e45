import { NotFoundError } from 'seaworthy/core'
import { documentProjection } from 'seaworthy/projections'
import type { OrderCompleted, OrderImported, OrderPlaced, OrderRejected } from '../../orders/contract/events.ts'

interface HistoryLine {
  readonly productId: string
  readonly name: string
  readonly quantity: number
  readonly priceCents: number
  readonly discountCents?: number | undefined
}

/** An order as the customer's history shows it: the document of the read model. */
export interface HistoryEntry {
  readonly customerId: string
  readonly orderId: string
  readonly status: 'pending' | 'completed' | 'rejected'
  readonly reason?: string
  readonly totalCents: number
  readonly lines: readonly HistoryLine[]
  readonly placedAtMs: number
}

/** The events that the history is made of, by type. */
export interface HistoryEvents {
  readonly 'order.placed': OrderPlaced
  readonly 'order.imported': OrderImported
  readonly 'order.completed': OrderCompleted
  readonly 'order.rejected': OrderRejected
}

const known = (entry: HistoryEntry | undefined, orderId: string): HistoryEntry => {
  if (entry === undefined) throw new NotFoundError(`The history has no order ${orderId}: its order.placed has not arrived.`)
  return entry
}
const entryOf = ({ orderId, customerId, lines, totalCents }: OrderPlaced) => ({ orderId, customerId, lines, totalCents })

/** What an event of orders means to the history: a document for each order, in a list for each customer, the newest first. */
export const orderHistoryProjection = documentProjection<HistoryEntry, HistoryEvents>({
  name: 'order-history',
  version: 1,
  on: {
    'order.placed': (_, { data, time }) => ({ ...entryOf(data), status: 'pending', placedAtMs: Date.parse(time) }),
    'order.imported': (_, { data }) => ({ ...entryOf(data), status: 'completed', placedAtMs: Date.parse(data.placedAt) }),
    'order.completed': (entry, { data }) => ({ ...known(entry, data.orderId), status: 'completed' }),
    'order.rejected': (entry, { data }) => ({ ...known(entry, data.orderId), status: 'rejected', reason: data.reason }),
  },
  listing: ({ customerId, placedAtMs }) => ({ in: customerId, at: placedAtMs }),
})
