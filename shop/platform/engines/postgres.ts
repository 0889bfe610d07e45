import {
  consumerStoreSchema,
  eventStoreSchema,
  inboxStoreSchema,
  leaseStoreSchema,
  migrate,
  openPostgresDatabase,
  openPostgresQueue,
  outboxStoreSchema,
  participantStoreSchema,
  type PostgresDatabase,
  postgresConsumerStore,
  postgresEventStore,
  postgresInboxStore,
  postgresLeaseStore,
  postgresOutboxStore,
  postgresParticipantStore,
  postgresProjectionStore,
  postgresReadStore,
  postgresSagaStore,
  postgresSubjectStore,
  projectionStoreSchema,
  queueSchema,
  readStoreSchema,
  sagaStoreSchema,
  type SchemaComponent,
  scrubTables,
  subjectStoreSchema,
} from '@seaworthy/postgres'
import type { LeaseStore } from 'seaworthy/core'
import type { Queue } from 'seaworthy/messaging'
import type { DatabaseOptions } from './engines.ts'
import { closingWith } from './closing-with.ts'
import type { QueueOptions, ServiceDatabase, StoreName, Stores } from './stores.ts'

// With these a process has 9 sessions at most, and one with a queue 15: all of the shop fits into the 100 that a server takes by default.
const SESSIONS = { transactionsMax: 5, queriesMax: 2 }
const QUEUE_SESSIONS = { transactionsMax: 3, queriesMax: 1 }

const SCHEMAS: Readonly<Record<StoreName, SchemaComponent>> = {
  outbox: outboxStoreSchema,
  inbox: inboxStoreSchema,
  consumer: consumerStoreSchema,
  participant: participantStoreSchema,
  sagas: sagaStoreSchema,
  events: eventStoreSchema,
  subjects: subjectStoreSchema,
  projections: projectionStoreSchema,
  documents: readStoreSchema,
}

interface PostgresOptions extends DatabaseOptions {
  /** The service's own database, as its own role. */
  readonly url: string
  readonly instance: string
}

/** The service's database on a server. Its instances share it. */
export async function postgresDatabase({ url, instance, schema, stores }: PostgresOptions): Promise<ServiceDatabase> {
  // The services' statements are written once, for both engines.
  const database = await openPostgresDatabase({ connection: url, placeholders: 'question-marks', ...SESSIONS })
  try {
    await migrate(database, [leaseStoreSchema, ...stores.map((name) => SCHEMAS[name]), ...schema.map((component) => component('postgres'))])
    const leases = postgresLeaseStore(database)
    return {
      database,
      stores: postgresStores(database, { leases, holder: instance }),
      scrub: (tables) => scrubTables(database, tables),
      leases,
      openQueue: (name, options) => postgresQueue({ url, name, ...options }),
    }
  } catch (error) {
    await database.close()
    throw error
  }
}

/**
 * A queue beside the service's tables, over sessions of its own: what is sent to a queue is sent when `send` settles, also from inside a transaction of the
 * service, and that must not wait for the sessions that such transactions hold.
 */
async function postgresQueue({ url, ...options }: QueueOptions & { readonly url: string; readonly name: string }): Promise<Queue> {
  const database = await openPostgresDatabase({ connection: url, ...QUEUE_SESSIONS })
  try {
    await migrate(database, [queueSchema])
    return closingWith(openPostgresQueue(database, options), database)
  } catch (error) {
    await database.close()
    throw error
  }
}

function postgresStores(database: PostgresDatabase, shared: { readonly leases: LeaseStore; readonly holder: string }): Stores {
  return {
    // Held under the instance's name: the successor of one that died has its part at once, and not when the leases end.
    outbox: () => postgresOutboxStore(database, { shared }),
    inbox: () => postgresInboxStore(database),
    consumer: () => postgresConsumerStore(database),
    participant: () => postgresParticipantStore(database),
    sagas: () => postgresSagaStore(database),
    events: () => postgresEventStore(database),
    subjects: () => postgresSubjectStore(database),
    projections: () => postgresProjectionStore(database),
    documents: () => postgresReadStore(database),
  }
}
