import type { Propagated, SqlValue, Statement, Transaction } from 'seaworthy/core'
import type {
  JournalEntry,
  SagaAdvance,
  SagaClaim,
  SagaPruning,
  SagaQuery,
  SagaReader,
  SagaRecord,
  SagaStatus,
  SagaStore,
  SagaSummary,
  StoredSaga,
  Told,
} from 'seaworthy/saga'
import { Connection } from './connection.ts'
import type { SqliteDatabase } from './database.ts'
import type { SchemaComponent } from './migrate.ts'
import { sagaCount, sagaPage } from './saga-pages.ts'
import { pruneSagas } from './saga-pruning.ts'

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
    // Waits, children, and who runs a saga. `wake_at_ms` says when one that nobody has is due: null while it only waits to be told something.
    `ALTER TABLE seaworthy_sagas ADD COLUMN token INTEGER NOT NULL DEFAULT 1;
    ALTER TABLE seaworthy_sagas ADD COLUMN owner TEXT;
    ALTER TABLE seaworthy_sagas ADD COLUMN wake_at_ms INTEGER DEFAULT 0;
    ALTER TABLE seaworthy_sagas ADD COLUMN parent TEXT;
    CREATE INDEX seaworthy_sagas_due ON seaworthy_sagas (wake_at_ms) WHERE owner IS NULL AND status IN ('running', 'compensating');
    CREATE INDEX seaworthy_sagas_owned ON seaworthy_sagas (owner) WHERE owner IS NOT NULL AND status IN ('running', 'compensating');
    DROP INDEX seaworthy_sagas_unfinished;
    CREATE TABLE seaworthy_saga_events (
      saga_id TEXT NOT NULL,
      slot TEXT NOT NULL,
      data TEXT,
      expired INTEGER NOT NULL,
      at_ms INTEGER NOT NULL,
      PRIMARY KEY (saga_id, slot)
    ) STRICT, WITHOUT ROWID`,
    // Lists of sagas by name, and what is kept of those that are over: `pruned_at_ms` says since when that is only what they came to.
    `ALTER TABLE seaworthy_sagas ADD COLUMN pruned_at_ms INTEGER;
    CREATE INDEX seaworthy_sagas_by_saga ON seaworthy_sagas (saga, status, started_at_ms);
    CREATE INDEX seaworthy_sagas_over ON seaworthy_sagas (updated_at_ms, id)
      WHERE status IN ('completed', 'compensated') AND pruned_at_ms IS NULL;
    CREATE INDEX seaworthy_sagas_pruned ON seaworthy_sagas (updated_at_ms, id)
      WHERE status IN ('completed', 'compensated') AND pruned_at_ms IS NOT NULL;
    CREATE INDEX seaworthy_saga_events_by_time ON seaworthy_saga_events (at_ms)`,
  ],
}

const SAGA = 'id, saga, version, status, input, context, reason, started_at_ms, updated_at_ms, parent'
// Primary key of seaworthy_sagas.
const INSERT_SAGA = `INSERT INTO seaworthy_sagas (${SAGA}, owner) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`
// Primary keys of both tables. One statement, so that record and journal are of one moment.
const loading = (columns: string) => `SELECT ${columns},
    (SELECT json_group_array(json(entry) ORDER BY number) FROM seaworthy_saga_journal WHERE saga_id = id) AS journal
  FROM seaworthy_sagas WHERE id = ?`
const LOAD_SAGA = loading(`${SAGA}, token, pruned_at_ms`)
// As tables of older code have them too, which are checked before they are migrated.
const READ_SAGA = loading(`${SAGA}, token`)
// Primary key of seaworthy_saga_journal, its last entry of the saga.
const APPEND_ENTRY = `INSERT INTO seaworthy_saga_journal (saga_id, number, entry)
  VALUES (?1, (SELECT ifnull(max(number), 0) + 1 FROM seaworthy_saga_journal WHERE saga_id = ?1), ?2)`
// Primary key of seaworthy_sagas.
const HOLDS = 'SELECT 1 FROM seaworthy_sagas WHERE id = ? AND token = ? AND status = ?'
const MOVE = `UPDATE seaworthy_sagas SET status = ?4, reason = ifnull(?5, reason), updated_at_ms = ifnull(?6, updated_at_ms)
  WHERE id = ?1 AND token = ?2 AND status = ?3`
const REST = 'UPDATE seaworthy_sagas SET owner = NULL, token = token + 1, wake_at_ms = ? WHERE id = ?'
const UNDER_WAY = `status IN ('running', 'compensating')`
// seaworthy_sagas_due, and seaworthy_sagas_owned.
const FREE = `${UNDER_WAY} AND (owner IS NULL AND wake_at_ms <= ?2
    OR owner IS NOT NULL AND (?3 AND owner <> ?1 OR owner IN (SELECT value FROM json_each(?4))))`
const CLAIM = `UPDATE seaworthy_sagas SET owner = ?1, token = token + 1 WHERE id IN (
    SELECT id FROM seaworthy_sagas WHERE ${FREE} AND saga || '/' || version IN (SELECT value FROM json_each(?5)) ORDER BY started_at_ms, id LIMIT ?6)
  RETURNING id, started_at_ms`
// Primary key of seaworthy_sagas.
const CLAIM_ONE = `UPDATE seaworthy_sagas SET owner = ?1, token = token + 1
  WHERE id = ?2 AND ${UNDER_WAY} AND (owner IS NULL OR owner = ?1) AND saga || '/' || version IN (SELECT value FROM json_each(?3))`
const STRAYS = `SELECT ${SAGA} FROM seaworthy_sagas
  WHERE ${FREE} AND saga || '/' || version NOT IN (SELECT value FROM json_each(?5)) ORDER BY started_at_ms, id LIMIT ?6`
// seaworthy_sagas_owned.
const OWNERS = `SELECT DISTINCT owner FROM seaworthy_sagas WHERE owner IS NOT NULL AND ${UNDER_WAY}`
const RELEASE = `UPDATE seaworthy_sagas SET owner = NULL, token = token + 1, wake_at_ms = 0 WHERE owner = ? AND ${UNDER_WAY}`
// seaworthy_sagas_due, its first entries.
const NEXT_DUE = `SELECT wake_at_ms FROM seaworthy_sagas
  WHERE owner IS NULL AND ${UNDER_WAY} AND wake_at_ms IS NOT NULL AND saga || '/' || version IN (SELECT value FROM json_each(?))
  ORDER BY wake_at_ms LIMIT 1`
// Primary key of seaworthy_saga_events.
const PUT_EVENT = 'INSERT INTO seaworthy_saga_events (saga_id, slot, data, expired, at_ms) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING'
const WAS_EXPIRED = 'SELECT expired FROM seaworthy_saga_events WHERE saga_id = ? AND slot = ?'
const SELECT_EVENTS = 'SELECT slot, data FROM seaworthy_saga_events WHERE saga_id = ? AND NOT expired'
// Primary key of seaworthy_sagas.
const WAKE = 'UPDATE seaworthy_sagas SET wake_at_ms = 0 WHERE id = ? AND owner IS NULL'
const STATUS = 'SELECT status FROM seaworthy_sagas WHERE id = ?'
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
  readonly parent: string | null
}

/** Sagas and their journals in an embedded database. */
export function sqliteSagaStore(database: SqliteDatabase): SagaStore {
  return new SqliteSagaStore(database)
}

/**
 * The sagas in a file that another process may own: they are only read.
 * @throws SqliteError when the file cannot be opened
 */
export function openSqliteSagaReader(path: string): { readonly sagas: SagaReader; readonly close: () => void } {
  const connection = new Connection({ path, readOnly: true, statementsMax: 10 })
  const from = { query: async <Row extends object>(statement: Statement) => connection.all<Row>(statement) }
  const sagas: SagaReader = {
    load: (id) => loadSaga(from, id, READ_SAGA),
    list: (options) => listSagas(from, options),
  }
  return { sagas, close: () => connection.close() }
}

class SqliteSagaStore implements SagaStore {
  readonly #database: SqliteDatabase

  constructor(database: SqliteDatabase) {
    this.#database = database
  }

  async start(tx: Transaction, record: SagaRecord, owner: string | null, entries: readonly JournalEntry[]): Promise<boolean> {
    const { id, saga, version, status, input, context, reason, startedAtMs, updatedAtMs, parent } = record
    const params: readonly SqlValue[] = [
      id,
      saga,
      version,
      status,
      JSON.stringify(input ?? null),
      JSON.stringify(context),
      reason ?? null,
      startedAtMs,
      updatedAtMs,
      parent === undefined ? null : JSON.stringify(parent),
      owner,
    ]
    const { rowCount } = await tx.execute({ sql: INSERT_SAGA, params })
    if (rowCount === 1) await append(tx, id, entries)
    return rowCount === 1
  }

  async load(id: string): Promise<StoredSaga | undefined> {
    return loadSaga(this.#database, id)
  }

  /** Transactions run one after another: the lock is there. */
  async lock(tx: Transaction, id: string): Promise<StoredSaga | undefined> {
    return loadSaga(tx, id)
  }

  async advance(tx: Transaction, id: string, { token, from, entries, to, reason, rest, atMs }: SagaAdvance): Promise<boolean> {
    if (to === undefined) {
      const [held] = await tx.query({ sql: HOLDS, params: [id, token, from] })
      if (held === undefined) return false
    } else {
      const { rowCount } = await tx.execute({ sql: MOVE, params: [id, token, from, to, reason ?? null, atMs] })
      if (rowCount === 0) return false
    }
    if (rest !== undefined) await tx.execute({ sql: REST, params: [rest.wakeAtMs === 'never' ? null : Math.ceil(rest.wakeAtMs), id] })
    await append(tx, id, entries)
    return true
  }

  async claim(claim: SagaClaim): Promise<readonly string[]> {
    const { owner, versions, id } = claim
    if (id !== undefined) {
      const [claimed] = await this.#database.atomically([{ sql: CLAIM_ONE, params: [owner, id, JSON.stringify(versions)] }])
      return claimed?.rowCount === 1 ? [id] : []
    }
    const rows = await this.#database.transaction((tx) =>
      tx.query<{ id: string; started_at_ms: number }>({ sql: CLAIM, params: freeParams(claim) }),
    )
    return rows.toSorted((one, other) => one.started_at_ms - other.started_at_ms || (one.id < other.id ? -1 : 1)).map((row) => row.id)
  }

  async strays(claim: Omit<SagaClaim, 'id'>): Promise<readonly SagaRecord[]> {
    return (await this.#database.query<SagaRow>({ sql: STRAYS, params: freeParams(claim) })).map(sagaRecord)
  }

  async owners(): Promise<readonly string[]> {
    return (await this.#database.query<{ owner: string }>({ sql: OWNERS })).map(({ owner }) => owner)
  }

  async release(owner: string): Promise<void> {
    await this.#database.atomically([{ sql: RELEASE, params: [owner] }])
  }

  async nextDueMs(versions: readonly string[]): Promise<number | undefined> {
    const [row] = await this.#database.query<{ wake_at_ms: number }>({ sql: NEXT_DUE, params: [JSON.stringify(versions)] })
    return row?.wake_at_ms
  }

  async tell(
    tx: Transaction,
    { sagaId, slot, data, nowMs }: { sagaId: string; slot: string; data: unknown; nowMs: number },
  ): Promise<{ readonly told: Told; readonly status: SagaStatus | undefined }> {
    const { rowCount } = await tx.execute({ sql: PUT_EVENT, params: [sagaId, slot, JSON.stringify(data ?? null), 0, nowMs] })
    await tx.execute({ sql: WAKE, params: [sagaId] })
    const [row] = await tx.query<{ status: SagaStatus }>({ sql: STATUS, params: [sagaId] })
    if (rowCount === 1) return { told: 'new', status: row?.status }
    const [before] = await tx.query<{ expired: number }>({ sql: WAS_EXPIRED, params: [sagaId, slot] })
    return { told: before?.expired === 1 ? 'expired' : 'known', status: row?.status }
  }

  async expire(tx: Transaction, { sagaId, slot, nowMs }: { sagaId: string; slot: string; nowMs: number }): Promise<boolean> {
    const { rowCount } = await tx.execute({ sql: PUT_EVENT, params: [sagaId, slot, null, 1, nowMs] })
    return rowCount === 1
  }

  async told(id: string, tx: Pick<Transaction, 'query'> = this.#database): Promise<ReadonlyMap<string, unknown>> {
    const rows = await tx.query<{ slot: string; data: string }>({ sql: SELECT_EVENTS, params: [id] })
    return new Map(rows.map(({ slot, data }) => [slot, JSON.parse(data) as unknown]))
  }

  async list(options: { status?: SagaStatus; max: number }): Promise<readonly SagaRecord[]> {
    return listSagas(this.#database, options)
  }

  page(query: SagaQuery): Promise<readonly SagaSummary[]> {
    return sagaPage(this.#database, query)
  }

  count(query: Omit<SagaQuery, 'before'>): Promise<number> {
    return sagaCount(this.#database, query)
  }

  prune(pruning: SagaPruning): Promise<{ readonly pruned: number; readonly forgotten: number }> {
    return this.#database.transaction((tx) => pruneSagas(tx, pruning))
  }
}

async function listSagas(
  from: Pick<Transaction, 'query'>,
  { status, max }: { status?: SagaStatus; max: number },
): Promise<readonly SagaRecord[]> {
  const params: readonly SqlValue[] = status === undefined ? [max] : [status, max]
  const rows = await from.query<SagaRow>({ sql: status === undefined ? LIST : LIST_BY_STATUS, params })
  return rows.map(sagaRecord)
}

async function loadSaga(from: Pick<Transaction, 'query'>, id: string, sql = LOAD_SAGA): Promise<StoredSaga | undefined> {
  const [row] = await from.query<SagaRow & { journal: string; token: number; pruned_at_ms?: number | null }>({ sql, params: [id] })
  if (row === undefined) return undefined
  const { journal, token, pruned_at_ms: prunedAtMs = null } = row
  return { record: sagaRecord(row), journal: JSON.parse(journal) as JournalEntry[], token, ...(prunedAtMs !== null && { prunedAtMs }) }
}

async function append(tx: Transaction, id: string, entries: readonly JournalEntry[]): Promise<void> {
  for (const entry of entries) await tx.execute({ sql: APPEND_ENTRY, params: [id, JSON.stringify(entry)] })
}

function freeParams({ owner, dead, versions, nowMs, max }: Omit<SagaClaim, 'id'>): readonly SqlValue[] {
  const others = dead === 'others'
  return [owner, nowMs, others ? 1 : 0, JSON.stringify(others ? [] : dead), JSON.stringify(versions), max]
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
    ...(row.parent !== null && { parent: JSON.parse(row.parent) as SagaRecord['parent'] }),
  }
}
