export { type EventStore, type ExpectedVersion, type NewStoredEvent, type StoredEvent, type StoredSnapshot } from './event-store.ts'
