import assert from 'node:assert/strict'
import {
  type Invariant,
  type NodePorts,
  type System,
  type WorldView,
  client,
  invariant,
  node,
  noDuplicateEffects,
  noLostEvents,
  noPhantomEvents,
  orderPerKey,
  violated,
} from '@seaworthy/simulation'
import { type MessageHandler, defineEvent, startConsumer } from 'seaworthy/messaging'
import { type OutboxStore, inbox, outbox, startRelay } from 'seaworthy/outbox'
import {
  type SqliteDatabase,
  consumerStoreSchema,
  inboxStoreSchema,
  outboxStoreSchema,
  sqliteConsumerStore,
  sqliteInboxStore,
  sqliteOutboxStore,
} from 'seaworthy/sqlite'
import { type SimulatedWorld, acceptAnything, named, numbered, tables } from './simulated-world.ts'

/** An order, as its customer names it. */
export interface Order {
  readonly id: string
  readonly customer: string
}

export const orderPlaced = defineEvent('order.placed', {
  topic: 'orders',
  version: 1,
  key: ({ customer }) => customer,
  schema: acceptAnything<Order>(),
})

const MISSING = 'a number is missing'
// Far less than the relay's poll.
const PROMPT_MS = 300
// An order that is there already was asked for again: its customer never heard the answer.
const INSERT_ORDER = 'INSERT OR IGNORE INTO orders (id, customer) VALUES (?, ?)'
const INSERT_PARCEL = 'INSERT INTO parcels (id, customer) VALUES (?, ?)'

export const insertOrder = ({ id, customer }: Order) => ({ sql: INSERT_ORDER, params: [id, customer] })
export const insertParcel = ({ id, customer }: Order) => ({ sql: INSERT_PARCEL, params: [id, customer] })

/** The parts of the two services that a team can get wrong. Those that are left out are the library's. */
export interface OutboxParts {
  /** Stores an order and tells of it. */
  readonly publishing?: (ports: NodePorts, orders: SqliteDatabase, store: OutboxStore) => (order: Order) => Promise<void>
  /** Takes the outbox to the log. */
  readonly relaying?: (ports: NodePorts, store: OutboxStore) => void
  /** Ships an order that was heard of. */
  readonly handling?: (ports: NodePorts, parcels: SqliteDatabase) => MessageHandler
  /** Hears of orders. */
  readonly consuming?: (ports: NodePorts, parcels: SqliteDatabase, handler: MessageHandler) => Promise<void>
}

const withOutbox: NonNullable<OutboxParts['publishing']> = (_, orders, store) => {
  const out = outbox({ store, topics: ['orders'] })
  return (order) =>
    orders.transaction(async (tx) => {
      const { rowCount } = await tx.execute(insertOrder(order))
      if (rowCount === 1) await out.add(tx, orderPlaced(order))
    })
}

const withRelay: NonNullable<OutboxParts['relaying']> = ({ eventLog }, store) => {
  // Batches of two, so that a batch that is full is met, too.
  startRelay({ store, log: eventLog, batchSizeMax: 2 })
}

const withInbox: NonNullable<OutboxParts['handling']> = ({ note }, parcels) =>
  inbox({
    store: sqliteInboxStore(parcels),
    database: parcels,
    consumer: 'shipping',
    onGap: (gap) => note(MISSING, gap),
  }).handle(async ({ data }, tx) => {
    await tx.execute(insertParcel(data as Order))
  })

const withConsumer: NonNullable<OutboxParts['consuming']> = async ({ eventLog }, parcels, handler) => {
  const store = sqliteConsumerStore(parcels)
  await startConsumer({ log: eventLog, group: 'shipping', topics: ['orders'], handler, store, onPoison: 'park-key' })
}

/** Customers, the orders that each places one after another, and whether they try again when an answer does not come. */
export interface OutboxWorkload {
  readonly customers: Readonly<Record<string, number>>
  /** Who asks once and leaves. */
  readonly hasty: readonly string[]
}

const WORKLOAD: OutboxWorkload = { customers: { ada: 3, grace: 1, hal: 1 }, hasty: ['hal'] }

/** Orders takes orders and tells of them through its outbox; shipping hears of them behind its inbox and ships. */
export function outboxInboxWorld(parts: OutboxParts = {}, { customers, hasty }: OutboxWorkload = WORKLOAD): SimulatedWorld {
  const { publishing = withOutbox, relaying = withRelay, handling = withInbox, consuming = withConsumer } = parts
  return {
    name: 'outbox-inbox',
    chapter: 'outbox',
    system: {
      nodes: [
        node('orders', async (ports) => {
          const database = await ports.database({
            schema: [
              tables('orders', 'CREATE TABLE orders (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, customer TEXT NOT NULL) STRICT'),
              outboxStoreSchema,
            ],
          })
          const store = sqliteOutboxStore(database)
          relaying(ports, store)
          return { place: publishing(ports, database, store) }
        }),
        node('shipping', async (ports) => {
          const database = await ports.database({
            schema: [
              tables('parcels', 'CREATE TABLE parcels (n INTEGER PRIMARY KEY, id TEXT NOT NULL, customer TEXT NOT NULL) STRICT'),
              inboxStoreSchema,
              consumerStoreSchema,
            ],
          })
          await consuming(ports, database, handling(ports, database))
        }),
      ],
      clients: Object.entries(customers).map(([customer, orders]) =>
        client(customer, async ({ call }) => {
          for (let number = 1; number <= orders; number++) {
            const order: Order = { id: `${customer}-${number}`, customer }
            if (hasty.includes(customer)) await call('orders', 'place', order, { attemptsMax: 1 }).catch(() => undefined)
            else await call('orders', 'place', order)
          }
        }),
      ),
    },
    invariants: [
      invariant('every patient customer was told that the order is accepted', (view) => {
        const patient = Object.entries(customers).filter(([customer]) => !hasty.includes(customer))
        const accepted = view.acknowledged.filter(({ client: customer }) => !hasty.includes(customer))
        assert.equal(
          accepted.length,
          patient.reduce((sum, [, orders]) => sum + orders, 0),
        )
      }),
      ...outboxInvariants,
    ],
  }
}

type Keyed = { readonly key: string; readonly id: string }

const stored = (view: WorldView) => view.query<Keyed>('orders', 'SELECT id, customer AS key FROM orders ORDER BY n')
const shipped = (view: WorldView) => view.query<Keyed>('shipping', 'SELECT id, customer AS key FROM parcels ORDER BY n')
const published = (view: WorldView) => view.records('orders').map(({ event }) => ({ key: event.key, id: (event.data as Order).id }))
const ids = (items: readonly Keyed[]) => items.map(({ id }) => id)

export const everyOrderIsShippedOnce: Invariant = invariant("every order is shipped once, and a customer's in their order", (view) => {
  const orders = stored(view)
  const parcels = shipped(view)
  noLostEvents({
    published: named('The parcel of order', ids(orders)),
    handled: named('The parcel of order', ids(parcels)),
    by: 'shipping',
  })
  noDuplicateEffects({ effects: named('The parcel of order', ids(parcels)), at: 'shipping' })
  orderPerKey({ events: numbered(parcels, orders), gapless: false, at: 'shipping' })
})

/** What holds for orders that are told of and shipped, whatever the services are made of. */
const outboxInvariants: readonly Invariant[] = [
  invariant('an order that was accepted is kept', (view) =>
    noLostEvents({
      published: named(
        'Accepted order',
        view.acknowledged.map(({ request }) => (request as Order).id),
      ),
      handled: named('Accepted order', ids(stored(view))),
      by: 'orders',
    }),
  ),
  invariant('no event tells of an order that does not exist', (view) =>
    noPhantomEvents({
      published: named('An event of order', ids(stored(view))),
      handled: named('An event of order', ids(published(view))),
      by: 'the relay',
    }),
  ),
  invariant('every order is told of', (view) =>
    noLostEvents({
      published: named('The event of order', ids(stored(view))),
      handled: named('The event of order', ids(published(view))),
      by: 'the relay',
    }),
  ),
  invariant('while nothing goes wrong no event is published twice', (view) => {
    if (!view.history.some(({ fault }) => fault !== undefined))
      noDuplicateEffects({ effects: named('The event of order', ids(published(view))), at: 'the log' })
  }),
  everyOrderIsShippedOnce,
  invariant('nobody has to wait for a poll while nothing goes wrong', (view) => {
    if (view.history.some(({ fault }) => fault !== undefined)) return
    const appendedAtMs = new Map(view.records('orders').map(({ event, appendedAtMs }) => [(event.data as Order).id, appendedAtMs]))
    for (const { request, atMs } of view.acknowledged) {
      const waitedMs = appendedAtMs.get((request as Order).id)! - atMs
      if (waitedMs > PROMPT_MS) violated(`The event of ${(request as Order).id} waited ${Math.round(waitedMs)} ms in the outbox.`)
    }
  }),
  invariant('no alarm is raised and nothing is set aside', (view) => {
    const alarm = view.history.find((entry) => entry.kind === 'warning' || (entry.kind === 'note' && entry.text === MISSING))
    if (alarm !== undefined) violated(`There was an alarm: ${JSON.stringify(alarm)}`)
    const letters = view.query('shipping', 'SELECT 1 FROM seaworthy_dead_letters')
    if (letters.length > 0) violated(`${letters.length} events are set aside.`)
  }),
  invariant('the outbox is empty in the end', (view) => {
    const waiting = view.query('orders', 'SELECT position FROM seaworthy_outbox')
    if (waiting.length > 0) violated(`${waiting.length} events wait in the outbox and nothing takes them on.`)
  }),
]

/** Two customers place two orders each: what the benchmarks measure, and what the simulation's own tests run. */
export const twoServices: System = outboxInboxWorld({}, { customers: { ada: 2, grace: 2 }, hasty: [] }).system
