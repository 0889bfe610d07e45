import type { Statement } from 'seaworthy/core'
import type { EventLog } from 'seaworthy/messaging'
import { type OutboxStore, outbox } from 'seaworthy/outbox'
import type { SqliteDatabase } from 'seaworthy/sqlite'
import { type Order, ORDERS_TOPIC, orderPlaced } from './order.ts'

/** Stores an order and tells of it. Settles when the customer may be told that it was taken. */
export type PlaceOrder = (order: Order) => Promise<void>

// By primary key.
const storing = ({ orderId }: Order): Statement => ({ sql: 'INSERT INTO orders (order_id) VALUES (?)', params: [orderId] })

/** Writes to the database, and then to the event log. A crash between the two leaves an order of which nobody ever hears. */
export function writeThenPublish({ database, log }: { database: SqliteDatabase; log: EventLog }): PlaceOrder {
  return async (order) => {
    await database.atomically([storing(order)])
    await log.append(ORDERS_TOPIC, [orderPlaced(order)])
  }
}

/** Writes order and event in one transaction. A relay takes the event to the log, as often as it takes. */
export function withOutbox({ database, store }: { database: SqliteDatabase; store: OutboxStore }): PlaceOrder {
  const out = outbox({ store })
  return (order) =>
    database.transaction(async (tx) => {
      await tx.execute(storing(order))
      await out.add(tx, orderPlaced(order))
    })
}
