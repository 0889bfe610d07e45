import type { Clock, Transaction } from 'seaworthy/core'
import { type EventEnvelope, handlers, on } from 'seaworthy/messaging'
import { orderCompleted, orderImported, type OrderPlaced, orderPlaced, orderRejected } from '../../orders/contract/events.ts'
import type { HistoryRepository } from './order-history.ts'

/** What an event of orders means to the history. Events of one order come in order, so an order is there before it changes. */
export function recording({ history, clock }: { history: HistoryRepository; clock: Clock }) {
  const entry = ({ orderId, customerId, lines, totalCents }: OrderPlaced) => ({ orderId, customerId, lines, totalCents })
  return handlers(
    [
      on(orderPlaced, (event: EventEnvelope<OrderPlaced>, tx: Transaction) =>
        history.insert(tx, { ...entry(event.data), status: 'pending', placedAtMs: Date.parse(event.time) }, clock.now()),
      ),
      on(orderImported, (event, tx: Transaction) =>
        history.insert(tx, { ...entry(event.data), status: 'completed', placedAtMs: Date.parse(event.data.placedAt) }, clock.now()),
      ),
      on(orderCompleted, (event, tx: Transaction) =>
        history.setStatus(tx, { orderId: event.data.orderId, status: 'completed' }, clock.now()),
      ),
      on(orderRejected, (event, tx: Transaction) => {
        const { orderId, reason } = event.data
        return history.setStatus(tx, { orderId, status: 'rejected', reason }, clock.now())
      }),
    ],
    { others: 'ignore' },
  )
}
