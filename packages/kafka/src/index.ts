/**
 * The event log on Apache Kafka.
 *
 * The problem: several services on several machines share one log of events, with consumers that come and go, in several languages.
 * The guarantee: an append settles once all in-sync replicas have it; records of a key lie in one partition in the order of their appends, over
 * repetitions too; a partition has one reader of a group at a time, and what one lost does not get committed by it. Events are CloudEvents 1.0.
 * Not promised: each record once. What was not committed comes again; the inbox (`seaworthy/outbox`) settles it.
 */
export { type KafkaEventLog, type KafkaEventLogOptions, openKafkaEventLog } from './event-log.ts'
export type { KafkaConnection } from './cluster.ts'
export type { ContentMode } from './cloud-events.ts'
export type { Retention } from './topics.ts'
export { GroupSharedError, KafkaClosedError, KafkaError, ProducerFencedError } from './errors.ts'
export type { RecordsGone } from './fetcher.ts'
