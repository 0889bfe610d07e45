import { join } from 'node:path'
import { ConfigurationError } from 'seaworthy/core'
import type { EventLog, Queue } from 'seaworthy/messaging'
import {
  consumerStoreSchema,
  eventStoreSchema,
  inboxStoreSchema,
  migrate,
  openSqliteDatabase,
  openSqliteEventLog,
  openSqliteQueue,
  openSubjectKeyFile,
  outboxStoreSchema,
  participantStoreSchema,
  projectionStoreSchema,
  readStoreSchema,
  sagaStoreSchema,
  type SchemaComponent,
  scrubSqliteFile,
  type SqliteDatabase,
  sqliteConsumerStore,
  sqliteEventStore,
  sqliteInboxStore,
  sqliteOutboxStore,
  sqliteParticipantStore,
  sqliteProjectionStore,
  sqliteReadStore,
  sqliteSagaStore,
  sqliteSubjectStore,
  type SubjectKeyFile,
  subjectStoreSchema,
} from 'seaworthy/sqlite'
import type { Service } from 'seaworthy/system'
import { closingWith } from './closing-with.ts'
import type { DatabaseOptions } from './engines.ts'
import type { QueueOptions, ServiceDatabase, StoreName, Stores } from './stores.ts'

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

/** The tables of a service on SQLite. */
export function sqliteSchema({ schema, stores }: Pick<DatabaseOptions, 'schema' | 'stores'>): readonly SchemaComponent[] {
  return [...stores.map((name) => SCHEMAS[name]), ...schema.map((component) => component('sqlite'))]
}

/** @param keys the file of the keys of people, where the service has any */
export function sqliteStores(database: SqliteDatabase, keys?: SubjectKeyFile): Stores {
  return {
    outbox: () => sqliteOutboxStore(database),
    inbox: () => sqliteInboxStore(database),
    consumer: () => sqliteConsumerStore(database),
    participant: () => sqliteParticipantStore(database),
    sagas: () => sqliteSagaStore(database),
    events: () => sqliteEventStore(database),
    subjects() {
      if (keys === undefined) throw new ConfigurationError('The composition does not name the store of subjects, so no keys were opened.')
      return sqliteSubjectStore(database, keys)
    },
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
    // A file of their own, kept out of the backups of the events.
    const keys = options.stores.includes('subjects') ? await openSubjectKeyFile({ path: join(folder, 'keys.db'), signal }) : undefined
    return {
      database: keys === undefined ? database : closingWith(database, keys),
      stores: sqliteStores(database, keys),
      scrub: async () => ((await scrubSqliteFile(database)) ? [] : [`Others were at work on ${database.path} all the time. Do it again.`]),
      leases: undefined,
    }
  } catch (error) {
    await database.close()
    throw error
  }
}

/** A file for each topic, in a folder that all share. */
export function embeddedEventLog(directory: string, owns: readonly string[], signal: AbortSignal): Promise<EventLog> {
  return openSqliteEventLog({ directory, owns, signal })
}

export function embeddedQueue(folder: string, name: string, options: QueueOptions): Promise<Queue> {
  return openSqliteQueue({ ...options, path: join(folder, `${name}.db`) })
}
