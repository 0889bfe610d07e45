import { type EventEnvelope, type HandlerOfTypes, handlers, type MessageHandler, on } from 'seaworthy/messaging'
import { documentHandler, type ReadStore } from 'seaworthy/projections'
import { orderCompleted, orderImported, orderPlaced, orderRejected } from '../../orders/contract/events.ts'
import { shipmentBooked, shipmentCancelled } from '../../shipping/contract/events.ts'
import { orderHistoryProjection } from './order-history.ts'

const asDeclared = async () => undefined

/** Refuses versions that nobody here knows, and data that breaks its schema. */
const assertKnown: HandlerOfTypes<[]> = handlers(
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
export function recording(store: ReadStore): MessageHandler & Pick<HandlerOfTypes<[]>, 'types'> {
  const record = documentHandler({ projection: orderHistoryProjection, store })
  const handle = async (event: EventEnvelope, attempt: Parameters<MessageHandler>[1]) => {
    await assertKnown(event)
    await record(event, attempt)
  }
  return Object.assign(handle, { types: assertKnown.types })
}
