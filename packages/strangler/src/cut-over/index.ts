/**
 * The data of a route moves with it: back-fill and change capture from the monolith's tables, one writer per key at a time,
 * and a way back until the monolith's tables are retired.
 *
 * The problem: a route can be moved in a second, its data cannot; and whoever writes on both sides for a moment has lost a write.
 * The guarantee: at any time one side owns the data, by an epoch that is checked in the writer's own transaction; what the owner writes is brought to the other side in order per
 * key, from where the other side has stored that it had come; a switch hands over only what is drained, or nothing has changed; a rollback gives back at once every key that the
 * monolith has whole, and names the others; what the owner tells of the data by events is told on, by one publisher and in the order of each key's numbers.
 * Not promised: that a monolith which writes without its gateway is stopped (it is told, with the row; or refused, where you say so); anything about tables that the mapping does not
 * name; an order between keys.
 */
export { type CutOver, type CutOverOptions, type CutOverStatus, type Held, startCutOver } from './cut-over.ts'
export { type Moved } from './moves.ts'
export { type Route, type RouteQuestion } from './route.ts'
export {
  type AnyEntity,
  type ColumnValue,
  type EntityOf,
  type Mapping,
  type RowOf,
  type SideName,
  type TableDeclaration,
  type Tables,
  defineMapping,
} from './mapping.ts'
export { onlyThose } from './entity-tables.ts'
export { type CutOverLimits } from './limits.ts'
export {
  type SqliteFileSide,
  type DropSqliteSideOptions,
  type SqliteSideOptions,
  dropSqliteSide,
  readSqliteFile,
  sqliteSide,
} from './sqlite-side.ts'
export { type PostgresSide, type PostgresSideOptions, dropPostgresSide, postgresSide } from './postgres-side.ts'
export { cutOverPostgresSchema } from './postgres-schema.ts'
export { cutOverSchema } from './sqlite-capture.ts'
export { serveCutOver } from './http-surface.ts'
export { type ThroughOldSideOptions, throughOldSide } from './through-old-side.ts'
export { type RemoteSideOptions, remoteSide, serveSide } from './remote-side.ts'
export { type OwnedWrites, ownedWrites, storedOwnership } from './owned-writes.ts'
export { type WriteEntity } from './database-side.ts'
export { type Gate, type Ownership, type Phase, gateOf, step, writerOf } from './ownership.ts'
export { type Readiness } from './readiness.ts'
export { type ReadQuestion, type WriteToken, formatToken, parseToken, readerOf } from './routing.ts'
export { type RangeChecksum, type Verification } from './verification.ts'
export { CaptureLostError, MappingError, NotOwnerError, SwitchRefusedError } from './errors.ts'
export type {
  Applied,
  Batch,
  ChangePage,
  CopyProgress,
  Entity,
  KeyChange,
  SetAsideKey,
  Side,
  SideState,
  Step,
  StepTaken,
  StrayWrite,
} from './side.ts'
