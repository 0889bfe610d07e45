import { type Invariant, type System, client, invariant, node, noDuplicateEffects, noLostEvents } from '@seaworthy/simulation'
import { TimeoutError, contextOrRoot, withBudget } from 'seaworthy/core'
import { defineEvent, startConsumer } from 'seaworthy/messaging'
import { consumerStoreSchema, sqliteConsumerStore } from 'seaworthy/sqlite'
import { acceptAnything } from '../schemas.ts'

/** A system with a mistake that teams make, and the invariant that it breaks. */
export interface FailingSystem {
  readonly system: System
  readonly invariants: readonly Invariant[]
}

const orderPlaced = defineEvent('order.placed', {
  topic: 'orders',
  version: 1,
  key: ({ id }) => id,
  schema: acceptAnything<{ id: string }>(),
})
const table = (name: string, columns: string) => ({ component: name, versions: [`CREATE TABLE ${name} (${columns}) STRICT`] })

/** Stores an order, and then tells of it: a crash between the two loses the event. */
export const dualWrite: FailingSystem = {
  system: {
    nodes: [
      node('orders', async ({ database, eventLog }) => {
        const orders = await database({ schema: [table('orders', 'id TEXT PRIMARY KEY')] })
        return {
          place: async ({ id }: { id: string }) => {
            const [stored] = await orders.atomically([{ sql: 'INSERT OR IGNORE INTO orders (id) VALUES (?)', params: [id] }])
            if (stored!.rowCount === 1) await eventLog.append('orders', [orderPlaced({ id })])
          },
        }
      }),
    ],
    clients: [client('customer', async ({ call }) => void (await call('orders', 'place', { id: 'order-1' })))],
  },
  invariants: [
    invariant('every order is told of', (view) =>
      noLostEvents({
        published: view.query<{ id: string }>('orders', 'SELECT id FROM orders'),
        handled: view.records('orders').map(({ event }) => ({ id: event.key })),
        by: 'the topic orders',
      }),
    ),
  ],
}

/** Tries a charge again that may have been made, without a key by which payments could tell: a lost answer charges twice. */
export const doubleCharge: FailingSystem = {
  system: {
    nodes: [
      node('orders', async ({ transport, clock }) => ({
        checkout: async ({ id }: { id: string }) => {
          for (let attempt = 1; ; attempt++) {
            try {
              const { idempotencyKey: _, ...call } = withBudget(contextOrRoot(), 500, clock)
              return await transport.call('payments', 'charge', { id, cents: 4_900 }, call)
            } catch (error) {
              if (!(error instanceof TimeoutError) || attempt === 2) throw error
            }
          }
        },
      })),
      node('payments', async ({ database, newId }) => {
        const charges = await database({
          schema: [table('charges', 'id TEXT PRIMARY KEY, order_id TEXT NOT NULL, cents INTEGER NOT NULL')],
        })
        return {
          charge: async ({ id, cents }: { id: string; cents: number }) => {
            await charges.atomically([{ sql: 'INSERT INTO charges VALUES (?, ?, ?)', params: [newId(), id, cents] }])
            return { charged: cents }
          },
        }
      }),
    ],
    clients: [client('customer', async ({ call }) => void (await call('orders', 'checkout', { id: 'order-1' })))],
  },
  invariants: [
    invariant('nobody pays twice', (view) =>
      noDuplicateEffects({ effects: view.query<{ id: string }>('payments', 'SELECT order_id AS id FROM charges'), at: 'payments' }),
    ),
  ],
}

/** A consumer that remembers in memory which events it has seen: its next incarnation has forgotten, and ships again. */
export const forgetfulConsumer: FailingSystem = {
  system: {
    nodes: [
      node('orders', async ({ eventLog }) => ({
        place: ({ id }: { id: string }) => eventLog.append('orders', [orderPlaced({ id })]),
      })),
      node('shipping', async ({ database, eventLog }) => {
        const parcels = await database({ schema: [table('parcels', 'n INTEGER PRIMARY KEY, event_id TEXT NOT NULL'), consumerStoreSchema] })
        const seen = new Set<string>()
        await startConsumer({
          log: eventLog,
          group: 'shipping',
          topics: ['orders'],
          store: sqliteConsumerStore(parcels),
          onPoison: 'park-key',
          handler: async ({ id }) => {
            if (seen.has(id)) return
            seen.add(id)
            await parcels.atomically([{ sql: 'INSERT INTO parcels (event_id) VALUES (?)', params: [id] }])
          },
        })
      }),
    ],
    clients: [client('customer', async ({ call }) => void (await call('orders', 'place', { id: 'order-1' })))],
  },
  invariants: [
    invariant('every order is shipped once', (view) =>
      noDuplicateEffects({ effects: view.query<{ id: string }>('shipping', 'SELECT event_id AS id FROM parcels'), at: 'shipping' }),
    ),
  ],
}
