/**
 * Messaging: events and queues.
 *
 * The problem: services must tell each other what happened without waiting for each other.
 * The guarantee: at-least-once delivery, in order per key; a message that cannot be handled is set aside with its reason, never dropped silently.
 * Not promised: exactly-once delivery, or an order between keys. Effects are once when the handler uses the inbox (`seaworthy/outbox`).
 */
export { type EventEnvelope, type EventType, type EventTypeOptions, assertEnvelope, contextOf, defineEvent } from './event.ts'
export { STRUCTURED_CLOUD_EVENT, cloudEventAttributes, structuredCloudEvent } from './cloud-event.ts'
export { type Consumer, type ConsumerOptions, type ConsumerStatus, startConsumer } from './consumer.ts'
export { type EventHandler, type HandlerOfTypes, type HandlersOptions, UnknownEventError, handlers, on } from './handlers.ts'
export { type Attempt, type MessageHandler } from './attempt.ts'
export { ConsumerStoppedError } from './running-consumer.ts'
export { MALFORMED_EVENT, type Requeued, type RequeuedLetter, type RequeueLimits, reasonOf } from './dead-letter.ts'
export { type ReplayOptions, replay } from './replay.ts'
export {
  type AppendOnlyLog,
  type EventLog,
  type LogReader,
  type LogReaderOptions,
  type LogRecord,
  type Position,
  type TopicPartition,
  type TopicStatus,
  GroupTakenError,
  PartitionRevokedError,
  TopicNotOwnedError,
} from './event-log.ts'
export { type DeadQueueMessage, type Delivery, type NewQueueMessage, type Queue, type QueueStatus, LeaseLostError } from './queue.ts'
export { type Schedule, type ScheduleOptions, startSchedule } from './schedule.ts'
export { type Worker, type WorkerFailure, type WorkerMessage, type WorkerOptions, startWorker } from './worker.ts'
export {
  type Admission,
  type BeginOptions,
  type ConsumedMessage,
  type ConsumerStore,
  type DeadLetter,
  type DeadLetterKind,
  type DeadLetterLimit,
  type MessageName,
  type NewDeadLetter,
  cameBefore,
  consumerName,
} from './consumer-store.ts'
