/**
 * PostgreSQL: the engines behind the library's ports, for services that run more than one instance.
 *
 * The problem: several processes that share a database, where commits overtake each other and any of them may stop in the middle.
 * The guarantee: what was acknowledged is stored; the messages of a key are numbered in the order of their commits, whatever else is open on the
 * server; a lease is on the database's clock, and whoever lost it changes nothing under it.
 * Not promised: an order between keys, exactly-once delivery, or anything on a replica.
 */
export { type PostgresDatabase, type PostgresDatabaseOptions, type TransactionOptions, openPostgresDatabase } from './database.ts'
export { type LockAttributionOptions } from './locks/lock-attribution.ts'
export { type Isolation, type PostgresTransaction } from './open-transaction.ts'
export {
  type ConstraintKind,
  CommitFailedError,
  ConnectionLostError,
  DeadlockError,
  NestedTransactionError,
  PostgresBusyError,
  PostgresClosedError,
  PostgresConstraintError,
  PostgresError,
  PostgresFullError,
  SchemaTooNewError,
  SerializationError,
  StatementRefusedError,
  TransactionEndedError,
  TransactionLostError,
} from './errors.ts'
export { type ProvisionOptions, provisionDatabase } from './provision.ts'
export { LIBRARY_SCHEMAS } from './library-schemas.ts'
export { type Migration, type SchemaComponent, migrate, migrationScript, schemaVersions } from './migrate.ts'
export {
  type PostgresOutboxStore,
  type PostgresOutboxStoreOptions,
  type SharedOutboxOptions,
  outboxStoreSchema,
  postgresOutboxStore,
} from './outbox-store.ts'
export {
  type OutboxWakeUp,
  type ReplicationWakeUp,
  type ReplicationWakeUpOptions,
  type WakeUpLost,
  type WakeUpStatus,
  startReplicationWakeUp,
} from './replication-wake-up.ts'
export { type SlotLoss, type SlotNames, ReplicationSlotError, createOutboxReplication, dropOutboxReplication } from './replication-slot.ts'
export {
  type LogicalChange,
  type LogicalChanges,
  type LogicalChangesOptions,
  type LogicalReceiver,
  startLogicalChanges,
} from './logical-changes.ts'
export { lsnAsNumber } from './lsn.ts'
export { visibility } from './visible-commits.ts'
export { textArray } from './values.ts'
export { inboxStoreSchema, postgresInboxStore } from './inbox-store.ts'
export { consumerStoreSchema, postgresConsumerStore } from './consumer-store.ts'
export { eventStoreSchema, postgresEventStore } from './event-store.ts'
export { scrubTables } from './scrub.ts'
export { postgresSubjectStore, subjectStoreSchema } from './subject-store.ts'
export { type EventStoreHeldUp } from './settled-positions.ts'
export { postgresProjectionStore, projectionStoreSchema } from './projection-store.ts'
export { postgresReadStore, readStoreSchema } from './read-store.ts'
export { postgresSagaReader, postgresSagaStore, sagaStoreSchema } from './saga-store.ts'
export { participantStoreSchema, postgresParticipantStore } from './participant-store.ts'
export { type PostgresQueueOptions, openPostgresQueue } from './queue.ts'
export { queueSchema } from './queue-statements.ts'
export { leaseStoreSchema, postgresLeaseStore } from './lease-store.ts'
export { pgTransaction } from './pg-transaction.ts'
export {
  type JoinOptions,
  type JoinedTransaction,
  type LibraryResult,
  type StatementParameter,
  joinTransaction,
} from './joined-transaction.ts'
