/**
 * Projections: read models made from events (the query side of CQRS).
 *
 * The problem: a query that needs data of many streams, or of many services, cannot join over them.
 * The guarantee: an event changes the read model once, because the checkpoint (or the inbox's row) is written in the read model's own
 * transaction; an event that cannot be applied is never passed over: it holds up its document, or what has no documents as a whole, visibly; a read model can be
 * built again from the first event, beside the one that answers, and takes its place at once, after a check.
 * Not promised: a read model is behind its source by a moment; `lag` says how far, and a query with a token waits for it.
 */
export { type Apply, type EventData, type Projection, type ProjectionDeclaration, projection, projectionHandler } from './projection.ts'
export {
  type DocumentProjection,
  type DocumentProjectionDeclaration,
  type Evolve,
  documentProjection,
  partitionCheckpoint,
  partitionOf,
} from './document-projection.ts'
export { type FeedOptions, type ProjectionLag, type ProjectionStatus } from './loop.ts'
export { type ProjectionOptions, type RunningProjection, startProjection } from './runner.ts'
export {
  type DocumentLag,
  type DocumentProjectionOptions,
  type RunningDocumentProjection,
  type SharedBuild,
  startDocumentProjection,
} from './document-runner.ts'
export { type RebuildableOptions, type RebuildableProjection, startRebuildable } from './rebuildable.ts'
export { type DocumentParked, type ParkingLimits } from './parked-documents.ts'
export { type WaitingEvent } from './waiting-events.ts'
export { type RequeueDocumentOptions, type RequeuedDocument, type RequeuedEvent, requeueDocument } from './requeue-document.ts'
export { type DocumentHandlerOptions, EventsMissingError, documentHandler } from './document-handler.ts'
export { withInlineProjections } from './inline.ts'
export { type SwitchOptions, type SwitchReport, SwitchParkedError, goBack, switchVersion } from './switch.ts'
export { SwitchBlockedError } from './switch-outcome.ts'
export {
  type ApplyToTables,
  type ProjectedTable,
  type TableProjection,
  type TableProjectionDeclaration,
  createTables,
  tableProjection,
} from './table-projection.ts'
export { type SwitchTablesOptions, goBackTables, removeTables, switchTables } from './table-switch.ts'
export { type ChangedDocument, type Difference } from './verify.ts'
export { checksum } from './checksum.ts'
export {
  type ReadAfter,
  type ReadAfterOptions,
  CONSISTENCY_HEADER,
  ParkedReadError,
  StaleReadError,
  consistencyToken,
  consistencyTokenOf,
  joinConsistencyTokens,
  keyCheckpoint,
  readAfter,
  readConsistencyToken,
  readConsistencyTokens,
} from './consistency.ts'
export { type UpcastTypes, envelopeOf } from './stored-event.ts'
export { type ProjectionStore } from './projection-store.ts'
export {
  type DocumentChange,
  type DocumentWrite,
  type ListedDocuments,
  type Listing,
  type LiveVersions,
  type Loaded,
  type ModelVersion,
  type ParkedDocument,
  type Parking,
  type ParkingChange,
  type ReadStore,
  type StoredDocument,
  type SwitchOutcome,
} from './read-store.ts'
