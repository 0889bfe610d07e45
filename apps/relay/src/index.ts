/**
 * The relay as a process: takes committed messages from a PostgreSQL outbox to an event log or to RabbitMQ, beside services in any language.
 *
 * The problem: a service in Python or Go adds events in its own transactions, by an SQL function, and somebody has to publish them.
 * The guarantee: each key in order, each message at least once; several of these share the keys, and a part goes over when one stops or dies.
 * Not promised: exactly-once delivery. What is sent twice is settled where it is handled, by the event's id and number.
 */
export { type RelayConfig, type Wake, readConfig } from './config.ts'
export { type RunningRelay, runRelay } from './running-relay.ts'
