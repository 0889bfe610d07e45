import type { Propagated, SqlValue, Transaction } from 'seaworthy/core'
import type { JournalEntry, SagaRecord, SagaStatus, SagaStore, StatusChange } from 'seaworthy/saga'
import type { PostgresDatabase } from './database.ts'
import { librarySchema } from './migrate.ts'
import { prepared } from './prepared.ts'
import { restored, storable, textArray } from './values.ts'

/** Tables of {@link postgresSagaStore}. */
export const sagaStoreSchema = librarySchema('seaworthy.sagas', 1)

const SAGA = 'id, saga, version, status, input, context, reason, started_at_ms, updated_at_ms'
// Primary key of seaworthy_sagas.
const INSERT_SAGA = prepared(
  `INSERT INTO seaworthy_sagas (${SAGA}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO NOTHING`,
)
// Primary keys of both tables. One statement, so that record and journal are of one moment.
const LOAD_SAGA = prepared(`SELECT ${SAGA},
    (SELECT coalesce(json_agg(entry ORDER BY number), '[]') FROM seaworthy_saga_journal WHERE saga_id = id) AS journal
  FROM seaworthy_sagas WHERE id = $1`)
// Primary key of seaworthy_sagas. Its row is held until the transaction ends, so that the lines of two at one time get numbers apart.
const APPEND_ENTRIES = prepared(`WITH counted AS (
    UPDATE seaworthy_sagas SET entries = entries + $2 WHERE id = $1 RETURNING entries
  )
  INSERT INTO seaworthy_saga_journal (saga_id, number, entry)
  SELECT $1, counted.entries - $2 + e.place, e.entry::json FROM counted, unnest($3::text[]) WITH ORDINALITY AS e (entry, place)`)
// Primary key of seaworthy_sagas.
const SET_STATUS = prepared(
  `UPDATE seaworthy_sagas SET status = $1, reason = coalesce($2, reason), updated_at_ms = $3 WHERE id = $4 AND status = $5`,
)
// seaworthy_sagas_unfinished: its condition is repeated word for word, or the index would not be used.
const SELECT_UNFINISHED = `SELECT id FROM seaworthy_sagas WHERE status IN ('running', 'compensating') ORDER BY started_at_ms, id LIMIT $1`
// seaworthy_sagas_by_status.
const LIST_BY_STATUS = `SELECT ${SAGA} FROM seaworthy_sagas WHERE status = $1 ORDER BY started_at_ms DESC LIMIT $2`
// seaworthy_sagas_by_start.
const LIST = `SELECT ${SAGA} FROM seaworthy_sagas ORDER BY started_at_ms DESC LIMIT $1`

interface SagaRow {
  readonly id: string
  readonly saga: string
  readonly version: number
  readonly status: SagaStatus
  readonly input: unknown
  readonly context: Propagated
  readonly reason: string | null
  readonly started_at_ms: number
  readonly updated_at_ms: number
}

/** Sagas and their journals in a PostgreSQL database. */
export function postgresSagaStore(database: PostgresDatabase): SagaStore {
  return new PostgresSagaStore(database)
}

class PostgresSagaStore implements SagaStore {
  readonly #database: PostgresDatabase

  constructor(database: PostgresDatabase) {
    this.#database = database
  }

  async start(tx: Transaction, record: SagaRecord): Promise<boolean> {
    const { id, saga, version, status, input, context, reason, startedAtMs, updatedAtMs } = record
    const { rowCount } = await tx.execute({
      sql: INSERT_SAGA,
      params: [
        storable(id),
        saga,
        version,
        status,
        JSON.stringify(input ?? null),
        JSON.stringify(context),
        reason === undefined ? null : storable(reason),
        startedAtMs,
        updatedAtMs,
      ],
    })
    return rowCount === 1
  }

  async load(id: string): Promise<{ readonly record: SagaRecord; readonly journal: readonly JournalEntry[] } | undefined> {
    const [row] = await this.#database.query<SagaRow & { journal: readonly JournalEntry[] }>({ sql: LOAD_SAGA, params: [storable(id)] })
    return row && { record: sagaRecord(row), journal: row.journal }
  }

  async append(tx: Transaction, id: string, entries: readonly JournalEntry[]): Promise<void> {
    if (entries.length === 0) return
    const lines = textArray(entries.map((entry) => JSON.stringify(entry)))
    await tx.execute({ sql: APPEND_ENTRIES, params: [storable(id), entries.length, lines] })
  }

  async setStatus(tx: Transaction, id: string, { from, to, reason, atMs }: StatusChange): Promise<boolean> {
    const params = [to, reason === undefined ? null : storable(reason), atMs, storable(id), from]
    const { rowCount } = await tx.execute({ sql: SET_STATUS, params })
    return rowCount === 1
  }

  async unfinished(max: number): Promise<readonly string[]> {
    const rows = await this.#database.query<{ id: string }>({ sql: SELECT_UNFINISHED, params: [max] })
    return rows.map(({ id }) => restored(id))
  }

  async list({ status, max }: { status?: SagaStatus; max: number }): Promise<readonly SagaRecord[]> {
    const params: readonly SqlValue[] = status === undefined ? [max] : [status, max]
    const rows = await this.#database.query<SagaRow>({ sql: status === undefined ? LIST : LIST_BY_STATUS, params })
    return rows.map(sagaRecord)
  }
}

function sagaRecord(row: SagaRow): SagaRecord {
  return {
    id: restored(row.id),
    saga: row.saga,
    version: row.version,
    status: row.status,
    input: row.input,
    context: row.context,
    reason: row.reason === null ? undefined : restored(row.reason),
    startedAtMs: row.started_at_ms,
    updatedAtMs: row.updated_at_ms,
  }
}
