import type { Transaction } from 'seaworthy/core'
import type { ParticipantRecord, ParticipantStore } from 'seaworthy/saga'
import type { PostgresDatabase } from './database.ts'
import { librarySchema } from './migrate.ts'
import { prepared } from './prepared.ts'
import { storable } from './values.ts'

/** Tables of {@link postgresParticipantStore}. */
export const participantStoreSchema = librarySchema('seaworthy.participant', 1)

// A key has no row before its first action, so its lock is not on a row. Held until the transaction ends.
const LOCK_KEY = prepared("SELECT pg_advisory_xact_lock(hashtextextended('seaworthy.participant ' || $1, 0))")
// Primary key of seaworthy_participant, in both. Sees what was committed while the lock was waited for.
const SELECT_RECORD = prepared('SELECT record FROM seaworthy_participant WHERE key = $1')
const SAVE_RECORD = prepared(`INSERT INTO seaworthy_participant (key, record, updated_at_ms) VALUES ($1, $2, $3)
  ON CONFLICT (key) DO UPDATE SET record = excluded.record, updated_at_ms = excluded.updated_at_ms`)
// seaworthy_participant_by_age.
const FORGET = 'DELETE FROM seaworthy_participant WHERE updated_at_ms < $1'

/** A participant's memory in a PostgreSQL database. */
export function postgresParticipantStore(database: PostgresDatabase): ParticipantStore {
  return {
    async load(tx: Transaction, key: string) {
      const params = [storable(key)]
      const [, [row]] = await Promise.all([
        tx.query({ sql: LOCK_KEY, params }),
        tx.query<{ record: ParticipantRecord }>({ sql: SELECT_RECORD, params }),
      ])
      return row?.record
    },
    async save(tx, key, record, atMs) {
      await tx.execute({ sql: SAVE_RECORD, params: [storable(key), JSON.stringify(record), atMs] })
    },
    async forget(olderThanMs) {
      const [deleted] = await database.atomically([{ sql: FORGET, params: [olderThanMs] }])
      return deleted?.rowCount ?? 0
    },
  }
}
