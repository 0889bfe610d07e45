import assert from 'node:assert/strict'
import { type Invariant, type System, client, invariant, node } from '@seaworthy/simulation'
import type { Schema } from 'seaworthy/core'
import { defineEvent, startConsumer } from 'seaworthy/messaging'
import { inbox, outbox, startRelay } from 'seaworthy/outbox'
import {
  consumerStoreSchema,
  inboxStoreSchema,
  outboxStoreSchema,
  sqliteConsumerStore,
  sqliteInboxStore,
  sqliteOutboxStore,
} from 'seaworthy/sqlite'

interface Order {
  readonly id: string
  readonly customer: string
}

const anyOrder: Schema<Order> = {
  '~standard': { version: 1, vendor: 'bench', validate: (value) => ({ value: value as Order }) },
}

const orderPlaced = defineEvent('order.placed', {
  topic: 'orders',
  version: 1,
  key: ({ customer }) => customer,
  schema: anyOrder,
})

/** Two services: orders with an outbox and its relay, shipping with a consumer and its inbox. Two customers place two orders each. */
export const twoServices: System = {
  nodes: [
    node('orders', async ({ database, eventLog }) => {
      const orders = await database({
        schema: [
          { component: 'orders', versions: ['CREATE TABLE orders (id TEXT PRIMARY KEY, customer TEXT NOT NULL) STRICT'] },
          outboxStoreSchema,
        ],
      })
      const store = sqliteOutboxStore(orders)
      const out = outbox({ store, topics: ['orders'] })
      startRelay({ store, log: eventLog })
      return {
        place: ({ id, customer }: Order) =>
          orders.transaction(async (tx) => {
            const { rowCount } = await tx.execute({
              sql: 'INSERT OR IGNORE INTO orders (id, customer) VALUES (?, ?)',
              params: [id, customer],
            })
            if (rowCount === 1) await out.add(tx, orderPlaced({ id, customer }))
          }),
      }
    }),
    node('shipping', async ({ database, eventLog }) => {
      const parcels = await database({
        schema: [
          {
            component: 'parcels',
            versions: ['CREATE TABLE parcels (n INTEGER PRIMARY KEY, id TEXT NOT NULL, customer TEXT NOT NULL) STRICT'],
          },
          inboxStoreSchema,
          consumerStoreSchema,
        ],
      })
      const handler = inbox({ store: sqliteInboxStore(parcels), database: parcels, consumer: 'shipping' }).handle(async ({ data }, tx) => {
        const { id, customer } = data as Order
        await tx.execute({ sql: 'INSERT INTO parcels (id, customer) VALUES (?, ?)', params: [id, customer] })
      })
      const store = sqliteConsumerStore(parcels)
      await startConsumer({ log: eventLog, group: 'shipping', topics: ['orders'], handler, store, onPoison: 'park-key' })
    }),
  ],
  clients: ['ada', 'grace'].map((name) =>
    client(name, async ({ call }) => {
      for (const number of [1, 2]) await call('orders', 'place', { id: `${name}-${number}`, customer: name })
    }),
  ),
}

/** Every order that was accepted is shipped once, and those of a customer in their order. */
export const everyOrderIsShippedOnce: Invariant = invariant('every accepted order is shipped once, in order', (view) => {
  const parcels = view.query<{ id: string; customer: string }>('shipping', 'SELECT id, customer FROM parcels ORDER BY n')
  const orders = view.query<{ id: string; customer: string }>('orders', 'SELECT id, customer FROM orders ORDER BY rowid')
  for (const { request } of view.acknowledged)
    assert.ok(
      orders.some(({ id }) => id === (request as Order).id),
      'an accepted order is gone',
    )
  for (const name of ['ada', 'grace']) {
    const of = (rows: typeof orders) => rows.filter(({ customer }) => customer === name).map(({ id }) => id)
    assert.deepEqual(of(parcels), of(orders))
  }
})
