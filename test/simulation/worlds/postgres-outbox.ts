import type { Database, Statement } from 'seaworthy/core'
import {
  type NodePorts,
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
import { startConsumer } from 'seaworthy/messaging'
import { inbox, outbox, startRelay } from 'seaworthy/outbox'
import { consumerStoreSchema, inboxStoreSchema, sqliteConsumerStore, sqliteInboxStore } from 'seaworthy/sqlite'
import { insert, outboxStoreSchema, postgresModelOutboxStore, toSql, type Schema } from '@seaworthy/simulation/postgres-model'
import { type Order, insertParcel, orderPlaced } from './outbox-inbox.ts'
import { PostgresServer, postgresOf } from './postgres-server.ts'
import { type SimulatedWorld, named, tables } from './simulated-world.ts'

const MISSING = 'a number is missing'

const schema: Schema = {
  sequences: [...outboxStoreSchema.sequences],
  tables: {
    ...outboxStoreSchema.tables,
    orders: { columns: { id: { type: 'text' }, customer: { type: 'text' } }, primaryKey: ['id'] },
    relay_cursor: { columns: { name: { type: 'text' }, position: { type: 'bigint' } }, primaryKey: ['name'] },
  },
}

/** The parts that a team can get wrong, on a database whose transactions overlap. */
export interface PostgresOutboxParts {
  /** Stores an order and tells of it. Made once a life. */
  readonly publishing?: (ports: NodePorts, database: Database) => (order: Order) => Promise<void>
  /** Takes the outbox to the log. */
  readonly relaying?: (ports: NodePorts, database: Database) => void
  /** How many relays there are. */
  readonly relays?: number
}

const withOutbox: NonNullable<PostgresOutboxParts['publishing']> = (_, database) => {
  const out = outbox({ store: postgresModelOutboxStore(database), topics: ['orders'] })
  return (order) =>
    database.transaction(async (tx) => {
      const { rowCount } = await tx.execute(insertOrder(order))
      if (rowCount === 1) await out.add(tx, orderPlaced(order))
    })
}

/** An order that is there already was asked for again: its customer never heard the answer. */
export function insertOrder({ id, customer }: Order): Statement {
  return toSql(insert('orders', [{ id, customer }], { onConflict: { do: 'nothing' } }))
}

const withRelay: NonNullable<PostgresOutboxParts['relaying']> = ({ eventLog }, database) => {
  startRelay({ store: postgresModelOutboxStore(database), log: eventLog, pollMs: 50 })
}

/** Two customers, and each uses two devices, so that transactions about one key meet in two instances of the service. */
const CUSTOMERS = ['ada', 'grace']
const INSTANCES = ['orders-one', 'orders-two']
const ORDERS_PER_DEVICE = 2

/** The orders service as two instances on one PostgreSQL, its relay as a process of its own, and shipping behind its inbox. */
export function postgresOutboxWorld({
  publishing = withOutbox,
  relaying = withRelay,
  relays = 1,
}: PostgresOutboxParts = {}): SimulatedWorld {
  const postgres = (ports: NodePorts) =>
    postgresOf(
      ports.process,
      ports.shared('postgres', () => new PostgresServer(schema)),
    )
  return {
    name: 'postgres-outbox',
    chapter: 'outbox',
    system: {
      nodes: [
        ...INSTANCES.map((name) => node(name, async (ports) => ({ place: publishing(ports, postgres(ports)) }))),
        ...Array.from({ length: relays }, (_, index) =>
          node(`relay-${index + 1}`, async (ports) => {
            relaying(ports, postgres(ports))
          }),
        ),
        node('shipping', async ({ database, eventLog, note }) => {
          const parcels = await database({
            schema: [
              tables('parcels', 'CREATE TABLE parcels (n INTEGER PRIMARY KEY, id TEXT NOT NULL, customer TEXT NOT NULL) STRICT'),
              inboxStoreSchema,
              consumerStoreSchema,
            ],
          })
          const remembered = inbox({
            store: sqliteInboxStore(parcels),
            database: parcels,
            consumer: 'shipping',
            onGap: (gap) => note(MISSING, gap),
          })
          const handler = remembered.handle(async ({ data }, tx) => {
            await tx.execute(insertParcel(data as Order))
          })
          const store = sqliteConsumerStore(parcels)
          await startConsumer({ log: eventLog, group: 'shipping', topics: ['orders'], handler, store, onPoison: 'park-key' })
        }),
      ],
      clients: CUSTOMERS.flatMap((customer) =>
        INSTANCES.map((instance, device) =>
          client(`${customer}-${device}`, async ({ call }) => {
            for (let number = 1; number <= ORDERS_PER_DEVICE; number++) {
              await call(instance, 'place', { id: `${customer}-${device}-${number}`, customer })
            }
          }),
        ),
      ),
    },
    invariants: [
      invariant('every accepted order is kept', (view) =>
        noLostEvents({
          published: named(
            'Accepted order',
            view.acknowledged.map(({ request }) => (request as Order).id),
          ),
          handled: named('Accepted order', stored(view)),
          by: 'orders',
        }),
      ),
      invariant('no event tells of an order that does not exist', (view) =>
        noPhantomEvents({
          published: named('The event of order', stored(view)),
          handled: named('The event of order', published(view)),
          by: 'the relay',
        }),
      ),
      invariant('every order is told of', (view) =>
        noLostEvents({
          published: named('The event of order', stored(view)),
          handled: named('The event of order', published(view)),
          by: 'the relay',
        }),
      ),
      invariant("a key's numbers come to the log in their order", (view) => {
        // A relay may send again what it has sent. What counts is when a number came first.
        const first = new Map(
          view
            .records('orders')
            .toReversed()
            .map(({ event }) => [event.id, event]),
        )
        orderPerKey({ events: [...first.values()].toReversed(), at: 'the log' })
      }),
      invariant('every order is shipped once', (view) => {
        const shipped = view.query<{ id: string }>('shipping', 'SELECT id FROM parcels').map(({ id }) => id)
        noLostEvents({
          published: named('The parcel of order', stored(view)),
          handled: named('The parcel of order', shipped),
          by: 'shipping',
        })
        noDuplicateEffects({ effects: named('The parcel of order', shipped), at: 'shipping' })
      }),
      invariant('no alarm is raised', (view) => {
        const alarm = view.history.find((entry) => entry.kind === 'warning' || (entry.kind === 'note' && entry.text === MISSING))
        if (alarm !== undefined) violated(`There was an alarm: ${JSON.stringify(alarm)}`)
      }),
    ],
  }
}

function stored(view: WorldView): readonly string[] {
  const server = view.shared<PostgresServer>('postgres')
  return server === undefined ? [] : server.model.contents('orders').map(({ id }) => String(id))
}

function published(view: WorldView): readonly string[] {
  return view.records('orders').map(({ event }) => (event.data as Order).id)
}
