import type { Database, Statement } from 'seaworthy/core'
import { type NodePorts, type WorldView, client, invariant, node, violated } from '@seaworthy/simulation'
import { startConsumer } from 'seaworthy/messaging'
import { inbox, outbox, startRelay } from 'seaworthy/outbox'
import { consumerStoreSchema, inboxStoreSchema, sqliteConsumerStore, sqliteInboxStore } from 'seaworthy/sqlite'
import { insert, outboxStoreSchema, postgresModelOutboxStore, toSql, type Schema } from '@seaworthy/simulation/postgres-model'
import { neverBack, noneInvented, noneLost, noneTwice } from '../checkers.ts'
import { type Order, insertParcel, orderPlaced } from './outbox-inbox.ts'
import { PostgresServer, postgresOf } from './postgres-server.ts'
import { type SimulatedWorld, tables } from './simulated-world.ts'

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
        noneLost(
          'Accepted order',
          view.acknowledged.map(({ request }) => (request as Order).id),
          stored(view),
        ),
      ),
      invariant('no event tells of an order that does not exist', (view) =>
        noneInvented('The event of order', published(view), stored(view)),
      ),
      invariant('every order is told of', (view) => noneLost('The event of order', stored(view), published(view))),
      invariant("a key's numbers come to the log in their order", (view) => {
        for (const customer of CUSTOMERS) {
          const seen = new Set<number>()
          for (const { event } of view.records('orders')) if (event.key === customer) seen.add(event.sequence)
          neverBack(`The number of ${customer}`, [...seen])
        }
      }),
      invariant('every order is shipped once', (view) => {
        const shipped = view.query<{ id: string }>('shipping', 'SELECT id FROM parcels').map(({ id }) => id)
        noneLost('The parcel of order', stored(view), shipped)
        noneTwice('The parcel of order', shipped)
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
