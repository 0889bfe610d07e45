import { createRequire } from 'node:module'
import {
  consumerStoreSchema,
  inboxStoreSchema,
  leaseStoreSchema,
  migrate,
  openPostgresDatabase,
  outboxStoreSchema,
  pgTransaction,
  postgresConsumerStore,
  postgresInboxStore,
  postgresLeaseStore,
  postgresOutboxStore,
} from '@seaworthy/postgres'
import { constant } from 'seaworthy/core'
import { type EventEnvelope, startConsumer } from 'seaworthy/messaging'
import { inbox, outbox, startRelay } from 'seaworthy/outbox'
import type { OutboxAdapter, OutboxEvent } from '../adapter.ts'
import { exchangeEventLog } from './exchange-event-log.ts'

const { version } = createRequire(import.meta.url)('@seaworthy/postgres/package.json') as { version: string }
const TOPIC = 'conformance'
const CONSUMER = 'conformance'
/** A relay that died keeps its part for so long. */
const LEASE_MS = 3_000

const envelope = (event: OutboxEvent): EventEnvelope => ({
  id: event.id,
  type: 'conformance.happened',
  version: 1,
  source: TOPIC,
  key: event.key,
  sequence: 0,
  time: new Date().toISOString(),
  correlationId: event.id,
  data: event,
})

const adapter: OutboxAdapter = {
  name: 'Seaworthy',
  version,
  configuration: [
    `Relays share the outbox by leases of ${LEASE_MS / 1000} s and look every 200 ms, besides being woken by NOTIFY.`,
    'The inbox numbers per key; the consumer skips poison, after three attempts.',
  ],
  setup: async ({ url }) => {
    const database = await openPostgresDatabase({ connection: url })
    try {
      await migrate(database, [outboxStoreSchema, leaseStoreSchema, inboxStoreSchema, consumerStoreSchema])
    } finally {
      await database.close()
    }
  },
  application: async ({ url }) => {
    // Bounds that a busy machine does not reach.
    const database = await openPostgresDatabase({ connection: url, waitMs: 60_000, transactionTimeoutMs: 60_000 })
    const events = outbox({ store: postgresOutboxStore(database) })
    return {
      add: (client, added) => events.add(pgTransaction(client), ...added.map(envelope)),
      append: (event) => database.transaction((tx) => events.add(tx, envelope(event))),
      close: () => database.close(),
    }
  },
  relay: {
    run: async ({ databaseUrl, instance, publish }) => {
      const database = await openPostgresDatabase({ connection: databaseUrl })
      const leases = postgresLeaseStore(database)
      const store = postgresOutboxStore(database, { shared: { leases, ttlMs: LEASE_MS, holder: instance } })
      startRelay({ store, log: exchangeEventLog({ publish }), pollMs: 200 })
    },
  },
  consumer: {
    run: async ({ databaseUrl, log, handle, limits }) => {
      const database = await openPostgresDatabase({ connection: databaseUrl })
      const effects = inbox({
        store: postgresInboxStore(database),
        database,
        consumer: CONSUMER,
        windowMs: limits.windowMs,
        cleanUpEveryMs: 200,
      })
      const consumer = await startConsumer({
        log: exchangeEventLog({ log }),
        group: CONSUMER,
        topics: [TOPIC],
        store: postgresConsumerStore(database),
        handler: effects.handle((event, tx) =>
          handle(event.data as OutboxEvent, (sql, parameters) => tx.execute({ sql, params: [...parameters] })),
        ),
        onPoison: 'skip',
        attemptsMax: limits.attemptsMax,
        handlerTimeoutMs: limits.handlerTimeoutMs,
        backoff: constant(100),
      })
      await consumer.done
    },
    remembers: async (client, id) => {
      const { rows } = await client.query<{ seen: boolean }>('SELECT EXISTS (SELECT FROM seaworthy_inbox WHERE message_id = $1) AS seen', [
        id,
      ])
      return rows[0]!.seen
    },
    setAside: async (client) => {
      const { rows } = await client.query<{ message_id: string }>('SELECT message_id FROM seaworthy_dead_letters')
      return rows.map(({ message_id: id }) => id)
    },
  },
}

export default adapter
