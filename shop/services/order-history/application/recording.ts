import { type EventEnvelope, handlers, type MessageHandler, on } from 'seaworthy/messaging'
import { documentHandler, type ReadStore } from 'seaworthy/projections'
import { orderCompleted, orderImported, orderPlaced, orderRejected } from '../../orders/contract/events.ts'
import { shipmentBooked, shipmentCancelled } from '../../shipping/contract/events.ts'
import { orderHistoryProjection } from './order-history.ts'

const asDeclared = async () => undefined

/** Refuses versions that nobody here knows, and data that breaks its schema. */
const assertKnown: (event: EventEnvelope) => Promise<void> = handlers(
  [
    on(orderPlaced, asDeclared),
    on(orderImported, asDeclared),
    on(orderCompleted, asDeclared),
    on(orderRejected, asDeclared),
    on(shipmentBooked, asDeclared),
    on(shipmentCancelled, asDeclared),
  ],
  { others: 'ignore' },
)

/** Keeps the history in its read store, which knows what it has of each order. */
export function recording(store: ReadStore): MessageHandler {
  const record = documentHandler({ projection: orderHistoryProjection, store })
  return async (event, attempt) => {
    await assertKnown(event)
    await record(event, attempt)
  }
}
