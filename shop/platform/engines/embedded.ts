import { join } from 'node:path'
import type { EventLog, Queue } from 'seaworthy/messaging'
import {
  consumerStoreSchema,
  eventStoreSchema,
  inboxStoreSchema,
  migrate,
  openSqliteDatabase,
  openSqliteEventLog,
  openSqliteQueue,
  outboxStoreSchema,
  participantStoreSchema,
  projectionStoreSchema,
  readStoreSchema,
  sagaStoreSchema,
  type SchemaComponent,
  type SqliteDatabase,
  sqliteConsumerStore,
  sqliteEventStore,
  sqliteInboxStore,
  sqliteOutboxStore,
  sqliteParticipantStore,
  sqliteProjectionStore,
  sqliteReadStore,
  sqliteSagaStore,
} from 'seaworthy/sqlite'
import type { Service } from 'seaworthy/system'
import type { DatabaseOptions } from './engines.ts'
import type { QueueOptions, ServiceDatabase, StoreName, Stores } from './stores.ts'

const SCHEMAS: Readonly<Record<StoreName, SchemaComponent>> = {
  outbox: outboxStoreSchema,
  inbox: inboxStoreSchema,
  consumer: consumerStoreSchema,
  participant: participantStoreSchema,
  sagas: sagaStoreSchema,
  events: eventStoreSchema,
  projections: projectionStoreSchema,
  documents: readStoreSchema,
}

/** The tables of a service on SQLite. */
export function sqliteSchema({ schema, stores }: Pick<DatabaseOptions, 'schema' | 'stores'>): readonly SchemaComponent[] {
  return [...stores.map((name) => SCHEMAS[name]), ...schema.map((component) => component('sqlite'))]
}

export function sqliteStores(database: SqliteDatabase): Stores {
  return {
    outbox: () => sqliteOutboxStore(database),
    inbox: () => sqliteInboxStore(database),
    consumer: () => sqliteConsumerStore(database),
    participant: () => sqliteParticipantStore(database),
    sagas: () => sqliteSagaStore(database),
    events: () => sqliteEventStore(database),
    projections: () => sqliteProjectionStore(database),
    documents: () => sqliteReadStore(database),
  }
}

/** A file of the service's own; of one that owns no data, of this instance's. @throws SqliteOwnedError when another process has it */
export async function embeddedDatabase(
  { name, owns }: Service,
  { folder, instance }: { readonly folder: string; readonly instance: string },
  { signal, ...options }: DatabaseOptions,
): Promise<ServiceDatabase> {
  const database = await openSqliteDatabase({ path: join(folder, `${owns.length === 0 ? instance : name}.db`), signal })
  try {
    await migrate(database, sqliteSchema(options))
    return { database, stores: sqliteStores(database), leases: undefined }
  } catch (error) {
    await database.close()
    throw error
  }
}

/** A file for each topic, in a folder that all share. */
export function embeddedEventLog(service: Service, directory: string, signal: AbortSignal): Promise<EventLog> {
  return openSqliteEventLog({ directory, owns: service.publishes, signal })
}

export function embeddedQueue(folder: string, name: string, options: QueueOptions): Promise<Queue> {
  return openSqliteQueue({ ...options, path: join(folder, `${name}.db`) })
}
