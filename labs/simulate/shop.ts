import { type NodePorts, type System, client, invariant, node, noDuplicateEffects, noLostEvents } from '@seaworthy/simulation'
import type { Schema } from 'seaworthy/core'
import { defineEvent, startConsumer } from 'seaworthy/messaging'
import { inbox, outbox, startRelay } from 'seaworthy/outbox'
import * as sqlite from 'seaworthy/sqlite'

/** An order, as it goes from service to service. */
interface Order {
  readonly id: string
}

// In a real service a schema checks what comes in.
const anyOrder: Schema<Order> = { '~standard': { version: 1, vendor: 'lab', validate: (value) => ({ value: value as Order }) } }
const orderPlaced = defineEvent('order.placed', { topic: 'orders', version: 1, key: ({ id }) => id, schema: anyOrder })
const table = (name: string) => ({ component: name, versions: [`CREATE TABLE ${name} (id TEXT NOT NULL) STRICT`] })

/** How orders stores an order and tells of it: all that the two versions of the service differ in. */
export type Orders = (ports: NodePorts) => Promise<(order: Order) => Promise<void>>

// A request may come twice, and the second changes nothing.
const store = (id: string) => ({
  sql: 'INSERT INTO orders (id) SELECT ?1 WHERE NOT EXISTS (SELECT 1 FROM orders WHERE id = ?1)',
  params: [id],
})

/** Writes to the database, and then to the event log. Between the two lies a crash. */
export const dualWrite: Orders = async ({ database, eventLog }) => {
  const orders = await database({ schema: [table('orders')] })
  return async ({ id }) => {
    const [stored] = await orders.atomically([store(id)])
    if (stored?.rowCount === 1) await eventLog.append('orders', [orderPlaced({ id })])
  }
}

/** Writes both in one transaction. A relay carries the event to the log, as often as it takes. */
export const withOutbox: Orders = async ({ database, eventLog }) => {
  const orders = await database({ schema: [table('orders'), sqlite.outboxStoreSchema] })
  const outboxStore = sqlite.sqliteOutboxStore(orders)
  const out = outbox({ store: outboxStore })
  startRelay({ store: outboxStore, log: eventLog })
  return ({ id }) =>
    orders.transaction(async (tx) => {
      const stored = await tx.execute(store(id))
      if (stored.rowCount === 1) await out.add(tx, orderPlaced({ id }))
    })
}

/** Two services and a customer who orders `count` times, and asks once each time. */
export function shop(orders: Orders, count: number): System {
  return {
    nodes: [
      node('orders', async (ports) => ({ place: await orders(ports) })),
      node('shipping', async ({ database, eventLog }) => {
        const parcels = await database({ schema: [table('parcels'), sqlite.inboxStoreSchema, sqlite.consumerStoreSchema] })
        const remembered = inbox({ store: sqlite.sqliteInboxStore(parcels), database: parcels, consumer: 'shipping' })
        const handler = remembered.handle(async ({ key }, tx) => {
          await tx.execute({ sql: 'INSERT INTO parcels (id) VALUES (?)', params: [key] })
        })
        const store = sqlite.sqliteConsumerStore(parcels)
        await startConsumer({ log: eventLog, group: 'shipping', topics: ['orders'], handler, store, onPoison: 'park-key' })
      }),
    ],
    clients: [
      client('customer', async ({ call }) => {
        for (let number = 1; number <= count; number++) {
          // Whoever is told nothing goes elsewhere; what was stored must be shipped all the same.
          await call('orders', 'place', { id: `order-${number}` }, { key: null, attemptsMax: 1 }).catch(() => undefined)
        }
      }),
    ],
  }
}

/** What was stored is shipped, and shipped once. */
export const everyOrderIsShippedOnce = invariant('every order is shipped once', (view) => {
  const stored = view.query<Order>('orders', 'SELECT id FROM orders')
  const shipped = view.query<Order>('shipping', 'SELECT id FROM parcels')
  noLostEvents({ published: stored, handled: shipped, by: 'shipping' })
  noDuplicateEffects({ effects: shipped, at: 'shipping' })
})
