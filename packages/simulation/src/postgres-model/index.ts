/**
 * A model of PostgreSQL's READ COMMITTED transactions, for simulations.
 *
 * The problem: designs that are right on a database with one writer lose messages and invert orders where transactions overlap, and only sometimes: numbers of a
 * sequence commit in another order than they were given, SKIP LOCKED lets a later message overtake, a snapshot misses what commits next.
 * The guarantee: the same statements in the same order give the same answers, waits, errors and rows as the real server does, which a test shows by random
 * interleavings on both. Where PostgreSQL lets sessions race, `choose` decides.
 * Not promised, because not modelled: other isolation levels, savepoints, shared locks, foreign keys, statements over several tables, changes of the
 * schema, and time.
 */
export { type PostgresModelOptions, PostgresModel } from './postgres-model.ts'
export { type Session, type SessionState } from './session.ts'
export { type StatementResult } from './command.ts'
export { type SqlState, PostgresModelError } from './errors.ts'
export { type Notification } from './notifications.ts'
export { type Column, type ColumnType, type Schema, type Table } from './schema.ts'
export {
  type AdvisoryLock,
  type Assignments,
  type Delete,
  type Evaluate,
  type Insert,
  type Listen,
  type LockWait,
  type Notify,
  type Order,
  type PostgresStatement,
  type Select,
  type TransactionControl,
  type Update,
  advisoryLock,
  begin,
  commit,
  deleteFrom,
  evaluation,
  insert,
  listen,
  notify,
  rollback,
  select,
  tryAdvisoryLock,
  unlisten,
  update,
} from './statement.ts'
export {
  type Comparison,
  type Condition,
  type Expression,
  and,
  column,
  compare,
  currentXid,
  equals,
  excluded,
  isIn,
  isNull,
  nextval,
  not,
  or,
  plus,
  snapshotXmin,
} from './expression.ts'
export { type PostgresModelDatabase, type PostgresModelDatabaseOptions, type StatementsByText, postgresModelDatabase } from './database.ts'
export { type PostgresModelOutboxStoreOptions, outboxStoreSchema, postgresModelOutboxStore } from './outbox-store.ts'
export { inboxStoreSchema, postgresModelInboxStore } from './inbox-store.ts'
export { type RenderedStatement, schemaSql, toSql } from './sql.ts'
export { type Row, type Value } from './values.ts'
