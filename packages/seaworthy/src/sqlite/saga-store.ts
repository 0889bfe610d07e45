import type { Propagated, SqlValue, Transaction } from 'seaworthy/core'
import type { JournalEntry, SagaRecord, SagaStatus, SagaStore, StatusChange } from 'seaworthy/saga'
import type { SqliteDatabase } from './database.ts'
import type { SchemaComponent } from './migrate.ts'

/** Tables of {@link sqliteSagaStore}. */
export const sagaStoreSchema: SchemaComponent = {
  component: 'seaworthy.sagas',
  versions: [
    `CREATE TABLE seaworthy_sagas (
      id TEXT PRIMARY KEY,
      saga TEXT NOT NULL,
      version INTEGER NOT NULL,
      status TEXT NOT NULL CHECK (status IN ('running', 'compensating', 'completed', 'compensated', 'parked')),
      input TEXT NOT NULL,
      context TEXT NOT NULL,
      reason TEXT,
      started_at_ms INTEGER NOT NULL,
      updated_at_ms INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX seaworthy_sagas_unfinished ON seaworthy_sagas (started_at_ms, id) WHERE status IN ('running', 'compensating');
    CREATE INDEX seaworthy_sagas_by_status ON seaworthy_sagas (status, started_at_ms);
    CREATE INDEX seaworthy_sagas_by_start ON seaworthy_sagas (started_at_ms);
    CREATE TABLE seaworthy_saga_journal (
      saga_id TEXT NOT NULL REFERENCES seaworthy_sagas (id),
      number INTEGER NOT NULL,
      entry TEXT NOT NULL,
      PRIMARY KEY (saga_id, number)
    ) STRICT, WITHOUT ROWID`,
  ],
}

const SAGA = 'id, saga, version, status, input, context, reason, started_at_ms, updated_at_ms'
// Primary key of seaworthy_sagas.
const INSERT_SAGA = `INSERT INTO seaworthy_sagas (${SAGA}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`
// Primary keys of both tables. One statement, so that record and journal are of one moment.
const LOAD_SAGA = `SELECT ${SAGA},
    (SELECT json_group_array(json(entry) ORDER BY number) FROM seaworthy_saga_journal WHERE saga_id = id) AS journal
  FROM seaworthy_sagas WHERE id = ?`
// Primary key of seaworthy_saga_journal, its last entry of the saga.
const APPEND_ENTRY = `INSERT INTO seaworthy_saga_journal (saga_id, number, entry)
  VALUES (?1, (SELECT ifnull(max(number), 0) + 1 FROM seaworthy_saga_journal WHERE saga_id = ?1), ?2)`
// Primary key of seaworthy_sagas.
const SET_STATUS = 'UPDATE seaworthy_sagas SET status = ?, reason = ifnull(?, reason), updated_at_ms = ? WHERE id = ? AND status = ?'
// seaworthy_sagas_unfinished: its condition is repeated word for word, or the index would not be used.
const SELECT_UNFINISHED = `SELECT id FROM seaworthy_sagas WHERE status IN ('running', 'compensating') ORDER BY started_at_ms, id LIMIT ? + 0`
// seaworthy_sagas_by_status.
const LIST_BY_STATUS = `SELECT ${SAGA} FROM seaworthy_sagas WHERE status = ? ORDER BY started_at_ms DESC LIMIT ?`
// seaworthy_sagas_by_start.
const LIST = `SELECT ${SAGA} FROM seaworthy_sagas ORDER BY started_at_ms DESC LIMIT ?`

interface SagaRow {
  readonly id: string
  readonly saga: string
  readonly version: number
  readonly status: SagaStatus
  readonly input: string
  readonly context: string
  readonly reason: string | null
  readonly started_at_ms: number
  readonly updated_at_ms: number
}

/** Sagas and their journals in an embedded database. */
export function sqliteSagaStore(database: SqliteDatabase): SagaStore {
  return new SqliteSagaStore(database)
}

class SqliteSagaStore implements SagaStore {
  readonly #database: SqliteDatabase

  constructor(database: SqliteDatabase) {
    this.#database = database
  }

  async start(tx: Transaction, record: SagaRecord): Promise<boolean> {
    const { id, saga, version, status, input, context, reason, startedAtMs, updatedAtMs } = record
    const { rowCount } = await tx.execute({
      sql: INSERT_SAGA,
      params: [id, saga, version, status, JSON.stringify(input ?? null), JSON.stringify(context), reason ?? null, startedAtMs, updatedAtMs],
    })
    return rowCount === 1
  }

  async load(id: string): Promise<{ readonly record: SagaRecord; readonly journal: readonly JournalEntry[] } | undefined> {
    const [row] = await this.#database.query<SagaRow & { journal: string }>({ sql: LOAD_SAGA, params: [id] })
    return row && { record: sagaRecord(row), journal: JSON.parse(row.journal) as JournalEntry[] }
  }

  async append(tx: Transaction, id: string, entries: readonly JournalEntry[]): Promise<void> {
    for (const entry of entries) await tx.execute({ sql: APPEND_ENTRY, params: [id, JSON.stringify(entry)] })
  }

  async setStatus(tx: Transaction, id: string, { from, to, reason, atMs }: StatusChange): Promise<boolean> {
    const { rowCount } = await tx.execute({ sql: SET_STATUS, params: [to, reason ?? null, atMs, id, from] })
    return rowCount === 1
  }

  async unfinished(max: number): Promise<readonly string[]> {
    const rows = await this.#database.query<{ id: string }>({ sql: SELECT_UNFINISHED, params: [max] })
    return rows.map(({ id }) => id)
  }

  async list({ status, max }: { status?: SagaStatus; max: number }): Promise<readonly SagaRecord[]> {
    const params: readonly SqlValue[] = status === undefined ? [max] : [status, max]
    const rows = await this.#database.query<SagaRow>({ sql: status === undefined ? LIST : LIST_BY_STATUS, params })
    return rows.map(sagaRecord)
  }
}

function sagaRecord(row: SagaRow): SagaRecord {
  return {
    id: row.id,
    saga: row.saga,
    version: row.version,
    status: row.status,
    input: JSON.parse(row.input),
    context: JSON.parse(row.context) as Propagated,
    reason: row.reason ?? undefined,
    startedAtMs: row.started_at_ms,
    updatedAtMs: row.updated_at_ms,
  }
}
