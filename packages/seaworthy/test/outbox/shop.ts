import { join } from 'node:path'
import { type Database, exponential } from 'seaworthy/core'
import { type Consumer, type ConsumerStore, type EventLog, type MessageHandler, handlers, on, startConsumer } from 'seaworthy/messaging'
import { type Inbox, type InboxStore, type Outbox, type OutboxStore, type Relay, inbox, outbox, startRelay } from 'seaworthy/outbox'
import {
  type SqliteDatabase,
  consumerStoreSchema,
  inboxStoreSchema,
  migrate,
  openSqliteDatabase,
  openSqliteEventLog,
  outboxStoreSchema,
  sqliteConsumerStore,
  sqliteInboxStore,
  sqliteOutboxStore,
} from 'seaworthy/sqlite'
import { counted } from '../messaging/events.ts'

// Processes die here, disks do not lose power.
const DURABILITY = 'process-crash'
const BACKOFF = exponential({ baseMs: 2, maxMs: 20 })

/** A service that counts up keys and publishes each number with the row that it writes. */
export interface Publisher {
  readonly database: SqliteDatabase
  readonly store: OutboxStore
  readonly box: Outbox
  /** Counts the key up by one, in one transaction with its event. */
  count(key: string, options?: { fails?: boolean }): Promise<void>
  startRelay(log: EventLog): Relay
}

export async function openPublisher(folder: string): Promise<Publisher> {
  const database = await openSqliteDatabase({ path: join(folder, 'publisher.db'), durability: DURABILITY })
  const tables = `CREATE TABLE counter (key TEXT PRIMARY KEY, n INTEGER NOT NULL) STRICT`
  await migrate(database, [outboxStoreSchema, { component: 'publisher', versions: [tables] }])
  const store = sqliteOutboxStore(database)
  const box = outbox({ store, topics: ['things'] })
  return {
    database,
    store,
    box,
    count: (key, { fails = false } = {}) =>
      database.transaction(async (tx) => {
        const sql = 'INSERT INTO counter (key, n) VALUES (?, 1) ON CONFLICT (key) DO UPDATE SET n = n + 1 RETURNING n'
        const [row] = await tx.query<{ n: number }>({ sql, params: [key] })
        await box.add(tx, counted({ key, n: row!.n }))
        if (fails) throw new Error('rolled back')
      }),
    startRelay: (log) => startRelay({ store, log, batchSizeMax: 7, backoff: BACKOFF }),
  }
}

/** A service that writes down each number that it hears. */
export interface Listener {
  readonly database: SqliteDatabase
  readonly store: ConsumerStore
  readonly inboxStore: InboxStore
  readonly handler: MessageHandler
  start(log: EventLog): Promise<Consumer>
}

export async function openListener(folder: string, options: { concurrencyMax: number }): Promise<Listener> {
  const database = await openSqliteDatabase({ path: join(folder, 'listener.db'), durability: DURABILITY })
  const tables = `CREATE TABLE effect (position INTEGER PRIMARY KEY, key TEXT NOT NULL, n INTEGER NOT NULL) STRICT`
  await migrate(database, [inboxStoreSchema, consumerStoreSchema, { component: 'listener', versions: [tables] }])
  const store = sqliteConsumerStore(database)
  const inboxStore = sqliteInboxStore(database)
  const box: Inbox = inbox({ store: inboxStore, database, consumer: 'listener' })
  const handler = box.handle(
    handlers(
      [
        on(counted, async (event, tx) => {
          await tx.execute({ sql: 'INSERT INTO effect (key, n) VALUES (?, ?)', params: [event.data.key, event.data.n] })
        }),
      ],
      { others: 'dead-letter' },
    ),
  )
  return {
    database,
    store,
    inboxStore,
    handler,
    start: (log) =>
      startConsumer({
        log,
        group: 'listener',
        topics: ['things'],
        store,
        handler,
        onPoison: 'park-key',
        attemptsMax: 100,
        backoff: BACKOFF,
        commitEveryMs: 5,
        batchSizeMax: 11,
        ...options,
      }),
  }
}

export function openLog(folder: string, owns: readonly string[]): Promise<EventLog> {
  return openSqliteEventLog({ directory: join(folder, 'log'), owns, partitions: 3, durability: DURABILITY })
}

export async function committed(database: Database): Promise<Record<string, number>> {
  const rows = await database.query<{ key: string; n: number }>({ sql: 'SELECT key, n FROM counter ORDER BY key' })
  return Object.fromEntries(rows.map(({ key, n }) => [key, n]))
}

/** The numbers that had an effect, of each key, in the order of their effects. */
export async function effects(database: Database): Promise<Record<string, number[]>> {
  const rows = await database.query<{ key: string; n: number }>({ sql: 'SELECT key, n FROM effect ORDER BY position' })
  const byKey: Record<string, number[]> = {}
  for (const { key, n } of rows) (byKey[key] ??= []).push(n)
  return byKey
}

/** The effects of every committed number, each once, in order. */
export function promised(counters: Record<string, number>): Record<string, number[]> {
  return Object.fromEntries(Object.entries(counters).map(([key, n]) => [key, Array.from({ length: n }, (_, index) => index + 1)]))
}

export async function effectCount(database: Database): Promise<number> {
  const [row] = await database.query<{ count: number }>({ sql: 'SELECT count(*) AS count FROM effect' })
  return row!.count
}
