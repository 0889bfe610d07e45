export { type OutboxEntry, type OutboxStore } from './outbox-store.ts'
export { type InboxMessage, type InboxStore, type InboxVerdict } from './inbox-store.ts'
