import { type NodePorts, client, invariant, node, noDuplicateEffects, noLostEvents, orderPerKey, violated } from '@seaworthy/simulation'
import { type MessageHandler, defineEvent, startConsumer } from 'seaworthy/messaging'
import { inbox, outbox, startRelay } from 'seaworthy/outbox'
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

interface Reading {
  readonly id: string
  readonly sensor: string
  /** The handler cannot deal with it, whenever it comes. */
  readonly broken: boolean
}

const measured = defineEvent('sensor.measured', {
  topic: 'sensors',
  version: 1,
  key: ({ sensor }) => sensor,
  schema: acceptAnything<Reading>(),
})

/** The part that a team can get wrong. */
export interface PoisonParts {
  readonly consuming?: (ports: NodePorts, database: SqliteDatabase, handler: MessageHandler) => Promise<void>
}

const parking: NonNullable<PoisonParts['consuming']> = async ({ eventLog }, database, handler) => {
  const store = sqliteConsumerStore(database)
  await startConsumer({ log: eventLog, group: 'charts', topics: ['sensors'], handler, store, onPoison: 'park-key', attemptsMax: 6 })
}

/** In the order in which they are published. The second sensor's second reading is poison; all of them share one partition or two. */
const READINGS: readonly Reading[] = [
  { id: 'a1', sensor: 'a', broken: false },
  { id: 'b1', sensor: 'b', broken: false },
  { id: 'b2', sensor: 'b', broken: true },
  { id: 'b3', sensor: 'b', broken: false },
  { id: 'a2', sensor: 'a', broken: false },
  { id: 'c1', sensor: 'c', broken: false },
]
const HELD: ReadonlySet<string> = new Set(['b2', 'b3'])
const CHARTED = READINGS.filter(({ id }) => !HELD.has(id))

/** A consumer that meets a message which nobody can handle. */
export function poisonWorld({ consuming = parking }: PoisonParts = {}): SimulatedWorld {
  return {
    name: 'poison',
    chapter: 'messaging',
    system: {
      nodes: [
        node('sensors', async ({ database, eventLog }) => {
          const readings = await database({
            schema: [tables('readings', 'CREATE TABLE readings (id TEXT PRIMARY KEY) STRICT'), outboxStoreSchema],
          })
          const store = sqliteOutboxStore(readings)
          const out = outbox({ store, topics: ['sensors'] })
          startRelay({ store, log: eventLog })
          return {
            measure: (reading: Reading) =>
              readings.transaction(async (tx) => {
                const { rowCount } = await tx.execute({ sql: 'INSERT OR IGNORE INTO readings (id) VALUES (?)', params: [reading.id] })
                if (rowCount === 1) await out.add(tx, measured(reading))
              }),
          }
        }),
        node('charts', async (ports) => {
          const charts = await ports.database({
            schema: [
              tables('points', 'CREATE TABLE points (n INTEGER PRIMARY KEY, id TEXT NOT NULL, sensor TEXT NOT NULL) STRICT'),
              inboxStoreSchema,
              consumerStoreSchema,
            ],
          })
          const handler = inbox({ store: sqliteInboxStore(charts), database: charts, consumer: 'charts' }).handle(async ({ data }, tx) => {
            const { id, sensor, broken } = data as Reading
            if (broken) {
              // Written down, because a system in which nothing is written down is taken for one at rest.
              ports.note(`reading ${id} makes no sense`)
              throw new TypeError(`Reading ${id} makes no sense.`)
            }
            await tx.execute({ sql: 'INSERT INTO points (id, sensor) VALUES (?, ?)', params: [id, sensor] })
          })
          await consuming(ports, charts, handler)
        }),
      ],
      clients: [
        client('gateway', async ({ call }) => {
          for (const reading of READINGS) await call('sensors', 'measure', reading)
        }),
      ],
    },
    invariants: [
      invariant('every reading of a healthy sensor is charted once, in order', (view) => {
        const points = view.query<{ id: string; key: string }>('charts', 'SELECT id, sensor AS key FROM points ORDER BY n')
        const ids = points.map(({ id }) => id)
        noLostEvents({
          published: named(
            'The point of reading',
            CHARTED.map(({ id }) => id),
          ),
          handled: named('The point of reading', ids),
          by: 'charts',
        })
        noDuplicateEffects({ effects: named('The point of reading', ids), at: 'charts' })
        orderPerKey({
          events: numbered(
            points,
            CHARTED.map(({ id, sensor }) => ({ id, key: sensor })),
          ),
          gapless: false,
          at: 'charts',
        })
        for (const id of ids) if (HELD.has(id)) violated(`Reading ${id} was charted, though one before it could not be.`)
      }),
      invariant('what cannot be handled lies aside with what comes after it, in order', (view) => {
        const letters = view.query<{ id: string; kind: string }>(
          'charts',
          `SELECT json_extract(event, '$.data.id') AS id, kind FROM seaworthy_dead_letters ORDER BY position`,
        )
        const found = letters.map(({ id, kind }) => `${id} ${kind}`).join(', ')
        if (found !== 'b2 parked, b3 held') violated(`Aside lie ${found === '' ? 'none' : found}; it should be b2 parked, b3 held.`)
      }),
    ],
  }
}
