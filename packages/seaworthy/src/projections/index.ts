/**
 * Projections: read models made from events (the query side of CQRS).
 *
 * The problem: a query that needs data of many streams, or of many services, cannot join over them.
 * The guarantee: an event changes the read model once, because the checkpoint (or the inbox's row) is written in the read model's own
 * transaction; an event that cannot be applied holds its projection up, visibly, and is never passed over; a read model can be built again from
 * the first event.
 * Not promised: a read model is behind its source by a moment; `lag` says how far.
 */
export { type Apply, type EventData, type Projection, type ProjectionDeclaration, projection, projectionHandler } from './projection.ts'
export { type ProjectionLag, type ProjectionOptions, type ProjectionStatus, type RunningProjection, startProjection } from './runner.ts'
export { type UpcastTypes, envelopeOf } from './stored-event.ts'
export { type ProjectionStore } from './projection-store.ts'
