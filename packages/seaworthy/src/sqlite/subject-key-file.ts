import { systemClock, systemRandom } from 'seaworthy/core'
import { type SubjectKey, SUBJECT_KEY_BYTES } from 'seaworthy/event-sourcing'
import { type SqliteDatabase, type SqliteDatabaseOptions, openSqliteDatabase } from './database.ts'
import { type SchemaComponent, migrate } from './migrate.ts'
import { emptyWriteAheadLog } from './scrub.ts'

/** The keys of subjects, in a file of their own: small, wiped where something was deleted, and kept out of the backups of the events. */
export interface SubjectKeyFile {
  readonly path: string
  /** The keys of these subjects, made where there is none; a forgotten one gets no new key. */
  make(subjects: readonly string[]): Promise<ReadonlyMap<string, SubjectKey>>
  /** One that never had a key is left out. */
  keys(subjects: readonly string[]): Promise<ReadonlyMap<string, SubjectKey>>
  /** Deletes the key, durably. Safe to repeat. @returns when it was deleted the first time, in milliseconds since the epoch */
  forget(subject: string): Promise<number>
  /**
   * Takes the write-ahead log's pages into the file and cuts it to nothing, so that what was deleted is in neither.
   * @returns false when somebody else reads the file and holds on to the old pages
   */
  emptyWriteAheadLog(): Promise<boolean>
  close(): Promise<void>
}

/** The table of keys, in a file of its own. */
export const subjectKeySchema: SchemaComponent = {
  component: 'seaworthy.subject-keys',
  versions: [
    // Without a key: forgotten.
    `CREATE TABLE seaworthy_subject_keys (
      subject TEXT PRIMARY KEY,
      key BLOB CHECK (key IS NULL OR length(key) = ${SUBJECT_KEY_BYTES}),
      forgotten_at_ms INTEGER CHECK ((key IS NULL) = (forgotten_at_ms IS NOT NULL))
    ) STRICT, WITHOUT ROWID`,
  ],
}
// Primary key of seaworthy_subject_keys, in all of these.
const SELECT_KEYS = `SELECT subject, key, forgotten_at_ms FROM seaworthy_subject_keys
  WHERE subject IN (SELECT value FROM json_each(?))`
const MAKE_KEY = 'INSERT INTO seaworthy_subject_keys (subject, key) VALUES (?, ?) ON CONFLICT (subject) DO NOTHING'
const FORGET = `INSERT INTO seaworthy_subject_keys (subject, key, forgotten_at_ms) VALUES (?, NULL, ?)
  ON CONFLICT (subject) DO UPDATE SET key = NULL, forgotten_at_ms = excluded.forgotten_at_ms WHERE key IS NOT NULL`
const SELECT_FORGOTTEN = 'SELECT forgotten_at_ms FROM seaworthy_subject_keys WHERE subject = ?'

interface KeyRow {
  readonly subject: string
  readonly key: Uint8Array | null
  readonly forgotten_at_ms: number | null
}

/**
 * Opens the file, and makes it if need be. It and its log are wiped of what was deleted before.
 * @throws SqliteOwnedError (`database-owned`) when another process has it
 */
export async function openSubjectKeyFile(options: Omit<SqliteDatabaseOptions, 'secureDelete'>): Promise<SubjectKeyFile> {
  const { clock = systemClock } = options
  const database = await openSqliteDatabase({ ...options, secureDelete: true })
  const file = subjectKeysIn(database, options)
  try {
    await migrate(database, [subjectKeySchema], { clock })
    // Whoever forgot somebody may have died before the log was emptied.
    await file.emptyWriteAheadLog()
    return file
  } catch (error) {
    await database.close()
    throw error
  }
}

/** The keys in a database that the caller opened, and that has {@link subjectKeySchema}: how a simulation runs them. It should wipe what it deletes. */
export function subjectKeysIn(
  database: SqliteDatabase,
  options: Pick<SqliteDatabaseOptions, 'clock' | 'random'> & Partial<Pick<SubjectKeyFile, 'emptyWriteAheadLog'>> = {},
): SubjectKeyFile {
  const { clock = systemClock, random = systemRandom } = options
  const file: SubjectKeyFile = {
    path: database.path,
    async make(subjects) {
      // A fresh array for each: the pool of random bytes hands out views.
      await database.atomically(
        subjects.map((subject) => ({ sql: MAKE_KEY, params: [subject, random.fill(new Uint8Array(SUBJECT_KEY_BYTES))] })),
      )
      return file.keys(subjects)
    },
    async keys(subjects) {
      const rows = await database.query<KeyRow>({ sql: SELECT_KEYS, params: [JSON.stringify(subjects)] })
      return new Map(rows.map((row) => [row.subject, subjectKey(row)]))
    },
    async forget(subject) {
      await database.atomically([{ sql: FORGET, params: [subject, clock.now()] }])
      const [row] = await database.query<{ forgotten_at_ms: number }>({ sql: SELECT_FORGOTTEN, params: [subject] })
      return row!.forgotten_at_ms
    },
    emptyWriteAheadLog: options.emptyWriteAheadLog ?? (() => emptyWriteAheadLog(database.path, { clock, random })),
    close: () => database.close(),
  }
  return file
}

function subjectKey({ key, forgotten_at_ms: atMs }: KeyRow): SubjectKey {
  return key === null ? { kind: 'forgotten', atMs: atMs! } : { kind: 'kept', key }
}
