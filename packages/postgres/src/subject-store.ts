import { type Clock, type Random, type Transaction, systemClock, systemRandom } from 'seaworthy/core'
import { type SubjectKey, type SubjectStore, SUBJECT_KEY_BYTES } from 'seaworthy/event-sourcing'
import type { PostgresDatabase } from './database.ts'
import { librarySchema } from './migrate.ts'
import { scrubTables } from './scrub.ts'
import { restored, storable, textArray } from './values.ts'

/** Tables of {@link postgresSubjectStore}. */
export const subjectStoreSchema = librarySchema('seaworthy.subjects', 1)

// Primary key of seaworthy_subject_keys, in all of these. Rows are locked in one order for all callers, so that no two wait for each other.
const SELECT_KEYS = 'SELECT subject, key, forgotten_at_ms FROM seaworthy_subject_keys WHERE subject = ANY ($1::text[]) ORDER BY subject'
// Whoever would forget one of them waits until the transaction ends.
const HOLD_KEYS = `${SELECT_KEYS} FOR SHARE`
const MAKE_KEY = 'INSERT INTO seaworthy_subject_keys (subject, key) VALUES ($1, $2) ON CONFLICT (subject) DO NOTHING'
const FORGET = `INSERT INTO seaworthy_subject_keys AS k (subject, key, forgotten_at_ms) VALUES ($1, NULL, $2)
  ON CONFLICT (subject) DO UPDATE SET key = NULL, forgotten_at_ms = coalesce(k.forgotten_at_ms, excluded.forgotten_at_ms)
  RETURNING forgotten_at_ms`
// Primary key of seaworthy_subject_streams.
const NOTE = `INSERT INTO seaworthy_subject_streams (subject, stream) SELECT s, $2 FROM unnest($1::text[]) AS s ORDER BY s
  ON CONFLICT DO NOTHING`
// seaworthy_subject_streams_by_stream.
const SELECT_SUBJECTS = 'SELECT subject FROM seaworthy_subject_streams WHERE stream = $1 ORDER BY subject'
// Primary key of seaworthy_subject_streams.
const SELECT_STREAMS = 'SELECT stream FROM seaworthy_subject_streams WHERE subject = $1 ORDER BY stream'

interface KeyRow {
  readonly subject: string
  readonly key: Uint8Array | null
  readonly forgotten_at_ms: number | null
}

/**
 * Keys of subjects in a PostgreSQL database, beside the events. Forgetting also rewrites the table of keys, under an exclusive lock for as long as that takes,
 * and has the server drop its log: for that its user must own the table, be in `pg_checkpoint`, and may call `pg_switch_wal`. What cannot be done, or is kept by
 * the server's settings, is said in `remains`.
 */
export function postgresSubjectStore(database: PostgresDatabase, options: { clock?: Clock; random?: Random } = {}): SubjectStore {
  const { clock = systemClock, random = systemRandom } = options

  async function keys(subjects: readonly string[], tx?: Transaction): Promise<ReadonlyMap<string, SubjectKey>> {
    const names = textArray(subjects.map(storable).toSorted())
    const rows = await (tx ?? database).query<KeyRow>({ sql: tx === undefined ? SELECT_KEYS : HOLD_KEYS, params: [names] })
    return new Map(rows.map((row) => [restored(row.subject), subjectKey(row)]))
  }

  return {
    keys,
    async hold(tx, stream, subjects) {
      await tx.execute({ sql: NOTE, params: [textArray(subjects.map(storable)), storable(stream)] })
      const known = await keys(subjects, tx)
      const missing = subjects.filter((subject) => !known.has(subject)).toSorted()
      if (missing.length === 0) return known
      for (const subject of missing) {
        await tx.execute({ sql: MAKE_KEY, params: [storable(subject), random.fill(new Uint8Array(SUBJECT_KEY_BYTES))] })
      }
      return keys(subjects, tx)
    },
    async subjectsOf(stream, tx) {
      const rows = await tx.query<{ subject: string }>({ sql: SELECT_SUBJECTS, params: [storable(stream)] })
      return rows.map(({ subject }) => restored(subject))
    },
    async streamsOf(subject) {
      const rows = await database.query<{ stream: string }>({ sql: SELECT_STREAMS, params: [storable(subject)] })
      return rows.map(({ stream }) => restored(stream))
    },
    async forget(subject, within) {
      const atMs = await database.transaction(async (tx) => {
        await within(tx)
        const [row] = await tx.query<{ forgotten_at_ms: number }>({ sql: FORGET, params: [storable(subject), clock.now()] })
        return row!.forgotten_at_ms
      })
      return { atMs, remains: await scrubTables(database, ['seaworthy_subject_keys']) }
    },
  }
}

function subjectKey({ key, forgotten_at_ms: atMs }: KeyRow): SubjectKey {
  return key === null ? { kind: 'forgotten', atMs: atMs! } : { kind: 'kept', key: new Uint8Array(key) }
}
