import type { ParticipantRecord, ParticipantStore } from 'seaworthy/saga'
import { Table, throughJson } from './table.ts'

/** A participant's memory beside an in-memory database, whose transactions come one after another. */
export function inMemoryParticipantStore(): ParticipantStore {
  const records = new Table<{ readonly record: ParticipantRecord; readonly atMs: number }>()
  return {
    async load(tx, key) {
      return records.get(key, tx)?.record
    },
    async save(tx, key, record, atMs) {
      records.set(tx, key, { record: throughJson(record), atMs })
    },
    async forget(olderThanMs) {
      return records.remove(({ atMs }) => atMs < olderThanMs)
    },
  }
}
