export { type JournalEntry, type SagaRecord, type SagaStatus, type SagaStore } from './saga-store.ts'
