/**
 * Messaging: events and queues.
 *
 * The problem: services must tell each other what happened without waiting for each other.
 * The guarantee: at-least-once delivery, in order per key; a message that cannot be handled is set aside with its reason, never dropped silently.
 * Not promised: exactly-once delivery, or an order between keys. Effects are once when the handler uses the inbox (`seaworthy/outbox`).
 */
export { type EventEnvelope, type EventType, type EventTypeOptions, defineEvent } from './event.ts'
export { type EventLog, type LogReader, type LogReaderOptions, type LogRecord, type Position, type TopicStatus } from './event-log.ts'
export { type DeadQueueMessage, type Delivery, type NewQueueMessage, type Queue, type QueueStatus } from './queue.ts'
export { type ConsumerStore, type DeadLetter } from './consumer-store.ts'
