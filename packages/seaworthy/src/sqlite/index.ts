/**
 * SQLite: the embedded engines, on node:sqlite.
 *
 * The problem: a database, an event log and a queue that need no server, yet keep what they acknowledged.
 * The guarantee: a transaction that settled survives a power cut (or, if so chosen, the death of the process); one process writes a file, and a
 * second one is told so; nothing here waits inside SQLite, so the event loop never stands still behind a lock.
 * Not promised: several instances of a stateful service on one file (they need PostgreSQL); files on a network share; Node before 24.10, whose
 * node:sqlite cannot refuse statements: opening a file there is a ConfigurationError. The rest of the library runs on Node 22.15.
 */
export {
  type Durability,
  type SqliteConnections,
  type SqliteDatabase,
  type SqliteDatabaseOptions,
  openSqliteDatabase,
  sqliteDatabaseOver,
} from './database.ts'
export { type ConnectionOptions, type SqlConnection, Connection } from './connection.ts'
export type { SqliteTransaction } from './open-transaction.ts'
export { type SqliteEventLogOptions, openSqliteEventLog } from './event-log.ts'
export type { Retention } from './retention.ts'
export { type SqliteQueueOptions, openSqliteQueue } from './queue.ts'
export { type SchemaComponent, migrate, migrateSync } from './migrate.ts'
export {
  type ConstraintKind,
  CommitFailedError,
  NestedTransactionError,
  SchemaTooNewError,
  SqliteBusyError,
  SqliteClosedError,
  SqliteConstraintError,
  SqliteCorruptError,
  SqliteError,
  SqliteFullError,
  SqliteOwnedError,
  StatementRefusedError,
  TransactionEndedError,
  TransactionLostError,
} from './errors.ts'
export { eventStoreSchema, sqliteEventStore } from './event-store.ts'
export { type ScrubOptions, scrubSqliteFile } from './scrub.ts'
export { type SubjectKeyFile, openSubjectKeyFile, subjectKeySchema, subjectKeysIn } from './subject-key-file.ts'
export { sqliteSubjectStore, subjectStoreSchema } from './subject-store.ts'
export { projectionStoreSchema, sqliteProjectionStore } from './projection-store.ts'
export { readStoreSchema, sqliteReadStore } from './read-store.ts'
export { type SqliteOutboxStoreOptions, outboxStoreSchema, sqliteOutboxStore } from './outbox-store.ts'
export { type OutboxNumber, continueOutboxNumbers, outboxNumbers, outboxNumbersTable, unsentEvents } from './outbox-numbers.ts'
export { type SynchronousHandle } from './synchronous-handle.ts'
export { synchronousInboxStore } from './synchronous-inbox-store.ts'
export { synchronousOutboxStore } from './synchronous-outbox-store.ts'
export { inboxStoreSchema, sqliteInboxStore } from './inbox-store.ts'
export { consumerStoreSchema, sqliteConsumerStore } from './consumer-store.ts'
export { openSqliteSagaReader, sagaStoreSchema, sqliteSagaStore } from './saga-store.ts'
export { participantStoreSchema, sqliteParticipantStore } from './participant-store.ts'
