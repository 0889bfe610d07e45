import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type NodePorts, client, explore, invariant, node, simulate } from '@seaworthy/simulation'
import { defineEvent, startConsumer } from 'seaworthy/messaging'
import { inbox, outbox, startRelay } from 'seaworthy/outbox'
import * as sqlite from 'seaworthy/sqlite'
import { acceptAnything } from './schemas.ts'

// A system of two services: orders takes orders and tells of them; shipping hears of them and ships.
const orderPlaced = defineEvent('order.placed', {
  topic: 'orders',
  version: 1,
  key: ({ id }) => id,
  schema: acceptAnything<{ id: string }>(),
})
const table = (name: string) => ({ component: name, versions: [`CREATE TABLE ${name} (id TEXT PRIMARY KEY) STRICT`] })

/** How an order is stored and told of: what the two versions of the service differ in. */
type Publishing = (ports: NodePorts) => Promise<(id: string) => Promise<void>>

const dualWrite: Publishing = async ({ database, eventLog }) => {
  const orders = await database({ schema: [table('orders')] })
  return async (id) => {
    const [inserted] = await orders.atomically([{ sql: 'INSERT OR IGNORE INTO orders (id) VALUES (?)', params: [id] }])
    if (inserted!.rowCount === 1) await eventLog.append('orders', [orderPlaced({ id })])
  }
}

const withOutbox: Publishing = async ({ database, eventLog }) => {
  const orders = await database({ schema: [table('orders'), sqlite.outboxStoreSchema] })
  const store = sqlite.sqliteOutboxStore(orders)
  startRelay({ store, log: eventLog })
  return (id) =>
    orders.transaction(async (tx) => {
      const { rowCount } = await tx.execute({ sql: 'INSERT OR IGNORE INTO orders (id) VALUES (?)', params: [id] })
      if (rowCount === 1) await outbox({ store }).add(tx, orderPlaced({ id }))
    })
}

const shop = (publishing: Publishing) => ({
  nodes: [
    node('orders', async (ports) => {
      const place = await publishing(ports)
      return { place: ({ id }: { id: string }) => place(id) }
    }),
    node('shipping', async ({ database, eventLog }) => {
      const parcels = await database({ schema: [table('parcels'), sqlite.inboxStoreSchema, sqlite.consumerStoreSchema] })
      const remembered = inbox({ store: sqlite.sqliteInboxStore(parcels), database: parcels, consumer: 'shipping' })
      const handler = remembered.handle(async ({ data }, tx) => {
        await tx.execute({ sql: 'INSERT INTO parcels (id) VALUES (?)', params: [(data as { id: string }).id] })
      })
      const store = sqlite.sqliteConsumerStore(parcels)
      await startConsumer({ log: eventLog, group: 'shipping', topics: ['orders'], handler, store, onPoison: 'park-key' })
    }),
  ],
  clients: [
    client('customer', async ({ call }) => {
      for (const id of ['a', 'b']) await call('orders', 'place', { id })
    }),
  ],
})

const everyOrderIsShipped = invariant('every order is shipped once', (view) => {
  const ids = (database: string, name: string) => view.query<{ id: string }>(database, `SELECT id FROM ${name} ORDER BY id`)
  assert.deepEqual(ids('shipping', 'parcels'), ids('orders', 'orders'))
})

test('a service that writes to two places loses an order at the first crash between them', async () => {
  const { failure } = await explore({ system: shop(dualWrite), invariants: [everyOrderIsShipped], exhaustive: 1, faults: ['crash'] })
  assert.equal(failure?.invariant, 'every order is shipped once')
  assert.equal(failure.faults.length, 1)
})

test('with the outbox no single fault, and none of many random histories, loses or doubles an order', async () => {
  const result = await simulate({ system: shop(withOutbox), invariants: [everyOrderIsShipped], exhaustive: 1, seeds: 200 })
  assert.ok(result.runs > 250)
})
