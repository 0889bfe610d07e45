import type { Transaction } from 'seaworthy/core'
import type { ParticipantRecord, ParticipantStore } from 'seaworthy/saga'
import type { SqliteDatabase } from './database.ts'
import type { SchemaComponent } from './migrate.ts'

/** Tables of {@link sqliteParticipantStore}. */
export const participantStoreSchema: SchemaComponent = {
  component: 'seaworthy.participant',
  versions: [
    `CREATE TABLE seaworthy_participant (
      key TEXT PRIMARY KEY,
      record TEXT NOT NULL,
      updated_at_ms INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX seaworthy_participant_by_age ON seaworthy_participant (updated_at_ms)`,
  ],
}

// Primary key of seaworthy_participant, in both.
const SELECT_RECORD = 'SELECT record FROM seaworthy_participant WHERE key = ?'
const SAVE_RECORD = `INSERT INTO seaworthy_participant (key, record, updated_at_ms) VALUES (?, ?, ?)
  ON CONFLICT (key) DO UPDATE SET record = excluded.record, updated_at_ms = excluded.updated_at_ms`
// seaworthy_participant_by_age.
const FORGET = 'DELETE FROM seaworthy_participant WHERE updated_at_ms < ?'

/** A participant's memory in an embedded database. Its transactions come one after another, so each holds every key's lock. */
export function sqliteParticipantStore(database: SqliteDatabase): ParticipantStore {
  return {
    async load(tx: Transaction, key: string) {
      const [row] = await tx.query<{ record: string }>({ sql: SELECT_RECORD, params: [key] })
      return row && (JSON.parse(row.record) as ParticipantRecord)
    },
    async save(tx, key, record, atMs) {
      await tx.execute({ sql: SAVE_RECORD, params: [key, JSON.stringify(record), atMs] })
    },
    async forget(olderThanMs) {
      const [deleted] = await database.atomically([{ sql: FORGET, params: [olderThanMs] }])
      return deleted?.rowCount ?? 0
    },
  }
}
