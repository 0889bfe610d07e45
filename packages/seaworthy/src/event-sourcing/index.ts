/**
 * Event sourcing: state as the history that led to it.
 *
 * The problem: a row says what is, never why; two writers overwrite each other; and what was lost by a bug cannot be computed again.
 * The guarantee: events of a stream are appended in order, only onto the version they were decided on, at most once per id; a stream with an event
 * that the code does not know refuses to load; a snapshot changes speed, never the state.
 * What is personal can be encrypted per subject and forgotten by its key (`sealedEventStore`, `erasure`).
 * Not promised: a total order over streams without delay (`readAll` holds back what a commit in flight could still overtake), and pure
 * functions that are not pure: a decider that looks at the clock replays differently.
 */
export { type Decider, type DomainCommand, type DomainEvent, decider } from './decider.ts'
export { type EventData, type EventShape, type EventShapes, type EventTypes, type PersonalFields, eventTypes } from './event-types.ts'
export {
  type CommandHandler,
  type CommandHandlerOptions,
  type CommandOptions,
  type CommandResult,
  commandHandler,
} from './command-handler.ts'
export { type LoadedStream } from './load-stream.ts'
export { type Replayed, type StoreMoment, type StreamMoment, replayAll, replayStream } from './replay.ts'
export { type AuditReport, type Auditor, auditEvents } from './audit.ts'
export { StreamArchivedError, UnknownEventError, noStreamToArchive, WrongExpectedVersionError } from './errors.ts'
export {
  type EventStore,
  type ExpectedVersion,
  type NewStoredEvent,
  type StoredEvent,
  type StoredSnapshot,
  EVENTS_PAGE_MAX,
} from './event-store.ts'
export { type SealedEventStoreOptions, sealedEventStore } from './erasure/sealed-event-store.ts'
export {
  type Clean,
  type Erasure,
  type SubjectHolder,
  type SubjectPlace,
  type SubjectReport,
  deadLetterHolder,
  erasure,
  outboxHolder,
} from './erasure/erasure.ts'
export { rowErasure } from './erasure/row-erasure.ts'
export { type Forgotten, type SubjectKey, type SubjectStore } from './erasure/subject-store.ts'
export { SUBJECT_KEY_BYTES } from './erasure/sealing.ts'
export { SubjectForgottenError, UnreadableFieldError } from './erasure/errors.ts'
