/**
 * Outbox, relay, inbox: one effect per event, across two databases and a broker.
 *
 * The problem: a service that writes its state and then publishes loses the event, or publishes what was rolled back, whenever it dies in between;
 * and whoever delivers at least once delivers twice.
 * The guarantee: an event is published if and only if its transaction committed, at least once, in the order of commits of its key; behind the inbox
 * its effects in the handler's database happen once per consumer and generation.
 * Not promised: exactly-once delivery, an order between keys, or anything about effects outside the handler's transaction.
 */
export { type Outbox, type OutboxOptions, type SynchronousOutbox, outbox, serializeEvent } from './outbox.ts'
export { type Relay, type RelayOptions, type RelayStatus, startRelay } from './relay.ts'
export { type LaneStatus, type RelayHeldUp, type RelayRecovered } from './relay-lane.ts'
export { type OutboxStall, type OutboxStallOver, type StallHolder, type StallWatchOptions, StallWatch } from './stall-watch.ts'
export { type Inbox, type InboxGap, type InboxOptions, type StaleMessage, inbox } from './inbox.ts'
export { type SynchronousInbox, type SynchronousInboxOptions, synchronousInbox } from './synchronous-inbox.ts'
export { type OutboxEntry, type OutboxStore, type SynchronousOutboxStore, type TopicEvents } from './outbox-store.ts'
export { type InboxMessage, type InboxStore, type InboxVerdict, type SynchronousInboxStore } from './inbox-store.ts'
