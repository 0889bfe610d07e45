import { NotFoundError } from 'seaworthy/core'
import { documentProjection } from 'seaworthy/projections'
import type { OrderCompleted, OrderImported, OrderPlaced, OrderRejected } from '../../orders/contract/events.ts'
import type { ShipmentData } from '../../shipping/contract/events.ts'

interface HistoryLine {
  readonly productId: string
  readonly name: string
  readonly quantity: number
  readonly priceCents: number
  readonly discountCents?: number | undefined
}

/** What orders knows. */
interface HistoryOrder {
  readonly customerId: string
  readonly orderId: string
  readonly status: 'pending' | 'completed' | 'rejected'
  readonly reason?: string | undefined
  readonly totalCents: number
  readonly lines: readonly HistoryLine[]
  readonly placedAtMs: number
}

/** What shipping knows. */
export type ParcelState = 'booked' | 'cancelled'

/** An order as the customer's history shows it: the join of what several services know, ready to be read. */
export interface HistoryEntry {
  /** Absent while an event of another service has overtaken the order's own. Nobody is shown it then. */
  readonly order?: HistoryOrder
  readonly parcel?: ParcelState
}

/** The events that the history is made of, by type. Each is about an order, and has its id as the key. */
export interface HistoryEvents {
  readonly 'order.placed': OrderPlaced
  readonly 'order.imported': OrderImported
  readonly 'order.completed': OrderCompleted
  readonly 'order.rejected': OrderRejected
  readonly 'shipment.booked': ShipmentData
  readonly 'shipment.cancelled': ShipmentData
}

const orderOf = ({ orderId, customerId, lines, totalCents }: OrderPlaced) => ({ orderId, customerId, lines, totalCents })

function changed(entry: HistoryEntry | undefined, orderId: string, change: Partial<HistoryOrder>): HistoryEntry {
  // Events of orders come in the order of their keys: one was lost, and nobody may carry on as if it were not.
  if (entry?.order === undefined) throw new NotFoundError(`The history has no order ${orderId}: its order.placed has not arrived.`)
  return { ...entry, order: { ...entry.order, ...change } }
}

/** A document for each order, in a list for each customer, the newest first. */
export const orderHistoryProjection = documentProjection<HistoryEntry, HistoryEvents>({
  name: 'order-history',
  version: 1,
  on: {
    'order.placed': (entry, { data, time }) => ({
      ...entry,
      order: { ...orderOf(data), status: 'pending', placedAtMs: Date.parse(time) },
    }),
    'order.imported': (entry, { data }) => ({
      ...entry,
      order: { ...orderOf(data), status: 'completed', placedAtMs: Date.parse(data.placedAt) },
    }),
    'order.completed': (entry, { data }) => changed(entry, data.orderId, { status: 'completed' }),
    'order.rejected': (entry, { data }) => changed(entry, data.orderId, { status: 'rejected', reason: data.reason }),
    'shipment.booked': (entry) => ({ ...entry, parcel: 'booked' }),
    'shipment.cancelled': (entry) => ({ ...entry, parcel: 'cancelled' }),
  },
  listing: ({ order }) => order && { in: order.customerId, at: order.placedAtMs },
})
