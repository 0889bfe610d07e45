import type { Transaction } from 'seaworthy/core'
import type { SubjectStore } from 'seaworthy/event-sourcing'
import type { SqliteDatabase } from './database.ts'
import type { SchemaComponent } from './migrate.ts'
import type { SubjectKeyFile } from './subject-key-file.ts'

/** Tables of {@link sqliteSubjectStore}, beside the events. */
export const subjectStoreSchema: SchemaComponent = {
  component: 'seaworthy.subjects',
  versions: [
    `CREATE TABLE seaworthy_subject_streams (
      subject TEXT NOT NULL,
      stream TEXT NOT NULL,
      PRIMARY KEY (subject, stream)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX seaworthy_subject_streams_by_stream ON seaworthy_subject_streams (stream)`,
  ],
}

// Primary key of seaworthy_subject_streams.
const NOTE = 'INSERT INTO seaworthy_subject_streams (subject, stream) VALUES (?, ?) ON CONFLICT DO NOTHING'
// seaworthy_subject_streams_by_stream.
const SELECT_SUBJECTS = 'SELECT subject FROM seaworthy_subject_streams WHERE stream = ? ORDER BY subject'
// Primary key of seaworthy_subject_streams.
const SELECT_STREAMS = 'SELECT stream FROM seaworthy_subject_streams WHERE subject = ? ORDER BY stream'

/**
 * Which streams hold whom, in the database of the events, and the keys in a file of their own. The database's transactions run one after another, and
 * forgetting is one of them: no other sees a key come or go in its middle.
 */
export function sqliteSubjectStore(database: SqliteDatabase, keyFile: SubjectKeyFile): SubjectStore {
  return {
    async hold(tx, stream, subjects) {
      for (const subject of subjects) await tx.execute({ sql: NOTE, params: [subject, stream] })
      const known = await keyFile.keys(subjects)
      const missing = subjects.filter((subject) => !known.has(subject))
      // Made before the events commit: a key without events is harmless, events without a key are lost.
      return missing.length === 0 ? known : new Map([...known, ...(await keyFile.make(missing))])
    },
    keys: (subjects) => keyFile.keys(subjects),
    async subjectsOf(stream, tx) {
      const rows = await tx.query<{ subject: string }>({ sql: SELECT_SUBJECTS, params: [stream] })
      return rows.map(({ subject }) => subject)
    },
    async streamsOf(subject) {
      const rows = await database.query<{ stream: string }>({ sql: SELECT_STREAMS, params: [subject] })
      return rows.map(({ stream }) => stream)
    },
    async forget(subject, within) {
      const atMs = await database.transaction(async (tx: Transaction) => {
        await within(tx)
        return keyFile.forget(subject)
      })
      const isClean = await keyFile.emptyWriteAheadLog()
      return {
        atMs,
        remains: isClean ? [] : [`${keyFile.path}-wal is being read by another process: end it, and forget ${subject} again.`],
      }
    },
  }
}
