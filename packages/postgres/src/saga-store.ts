import { type Propagated, type SqlValue, type Transaction, ConflictError } from 'seaworthy/core'
import type {
  JournalEntry,
  SagaAdvance,
  SagaClaim,
  SagaParent,
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
import type { PostgresDatabase } from './database.ts'
import { PostgresConstraintError } from './errors.ts'
import { librarySchema } from './migrate.ts'
import { PipelinedTransaction } from './pipelined-transaction.ts'
import { prepared } from './prepared.ts'
import { SagaAdvances } from './saga-advances.ts'
import { sagaCount, sagaPage } from './saga-pages.ts'
import { pruneSagas } from './saga-pruning.ts'
import { restored, storable, textArray } from './values.ts'

/** Tables of {@link postgresSagaStore}. */
export const sagaStoreSchema = librarySchema('seaworthy.sagas', 3)

const SAGA = 'id, saga, version, status, input, context, reason, started_at_ms, updated_at_ms, parent'
// Primary keys of both tables.
const inserting = (onConflict: string) =>
  prepared(`WITH started AS (
    INSERT INTO seaworthy_sagas (${SAGA}, owner, entries)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ${onConflict} RETURNING id
  ), lines AS (
    INSERT INTO seaworthy_saga_journal (saga_id, number, entry)
    SELECT started.id, e.place, e.entry::json FROM started, unnest($13::text[]) WITH ORDINALITY AS e (entry, place)
  )
  SELECT 1 FROM started`)
const INSERT_SAGA = inserting('ON CONFLICT (id) DO NOTHING')
// For a transaction whose COMMIT is already on its way.
const INSERT_SAGA_OR_FAIL = inserting('')
const BY_ID = 'seaworthy_sagas_pkey'
// Primary keys of both tables. One statement, so that record and journal are of one moment.
const loading = (columns: string) => `SELECT ${columns},
    (SELECT coalesce(json_agg(entry ORDER BY number), '[]') FROM seaworthy_saga_journal WHERE saga_id = id) AS journal
  FROM seaworthy_sagas WHERE id = $1`
const LOAD_SAGA = prepared(loading(`${SAGA}, token, pruned_at_ms`))
// As tables of older code have them too, which are checked before they are migrated.
const READ_SAGA = loading(`${SAGA}, token`)
// Primary key of seaworthy_sagas.
const LOCK_SAGA = prepared('SELECT FROM seaworthy_sagas WHERE id = $1 FOR UPDATE')
// Primary key of seaworthy_sagas. Its row is held until the transaction ends, so that the lines of two at one time get numbers apart; and who has an old
// token finds none.
const ADVANCE_SAGA = prepared(`WITH advanced AS (
    UPDATE seaworthy_sagas SET entries = entries + $4::int WHERE id = $1 AND token = $2 AND status = $3 RETURNING id, entries
  ), lines AS (
    INSERT INTO seaworthy_saga_journal (saga_id, number, entry)
    SELECT advanced.id, advanced.entries - $4::int + e.place, e.entry::json
    FROM advanced, unnest($5::text[]) WITH ORDINALITY AS e (entry, place)
  )
  SELECT 1 FROM advanced`)
const MOVE_SAGA = prepared(`WITH advanced AS (
    UPDATE seaworthy_sagas SET entries = entries + $4::int, status = $6, reason = coalesce($7, reason), updated_at_ms = coalesce($8, updated_at_ms),
      token = CASE WHEN $9::boolean THEN token + 1 ELSE token END,
      owner = CASE WHEN $9::boolean THEN NULL ELSE owner END,
      wake_at_ms = CASE WHEN $9::boolean THEN $10::bigint ELSE wake_at_ms END
    WHERE id = $1 AND token = $2 AND status = $3 RETURNING id, entries
  ), lines AS (
    INSERT INTO seaworthy_saga_journal (saga_id, number, entry)
    SELECT advanced.id, advanced.entries - $4::int + e.place, e.entry::json
    FROM advanced, unnest($5::text[]) WITH ORDINALITY AS e (entry, place)
  )
  SELECT 1 FROM advanced`)
const UNDER_WAY = `status IN ('running', 'compensating')`
// seaworthy_sagas_due, and seaworthy_sagas_owned. Rows that another process claims at this moment are left to it.
const FREE = `${UNDER_WAY} AND (owner IS NULL AND wake_at_ms <= $2 OR owner IS NOT NULL AND ($3::boolean AND owner <> $1 OR owner = ANY ($4::text[])))`
const CLAIM = `UPDATE seaworthy_sagas SET owner = $1, token = token + 1 WHERE id = ANY (ARRAY(
    SELECT id FROM seaworthy_sagas WHERE ${FREE} AND saga || '/' || version = ANY ($5::text[])
    ORDER BY started_at_ms, id LIMIT $6 FOR UPDATE SKIP LOCKED))
  RETURNING id, started_at_ms`
// Primary key of seaworthy_sagas.
const CLAIM_ONE = `UPDATE seaworthy_sagas SET owner = $1, token = token + 1
  WHERE id = $2 AND ${UNDER_WAY} AND (owner IS NULL OR owner = $1) AND saga || '/' || version = ANY ($3::text[]) RETURNING id`
const STRAYS = `SELECT ${SAGA} FROM seaworthy_sagas WHERE ${FREE} AND saga || '/' || version <> ALL ($5::text[])
  ORDER BY started_at_ms, id LIMIT $6`
// seaworthy_sagas_owned.
const OWNERS = `SELECT DISTINCT owner FROM seaworthy_sagas WHERE owner IS NOT NULL AND ${UNDER_WAY}`
const RELEASE = `UPDATE seaworthy_sagas SET owner = NULL, token = token + 1, wake_at_ms = 0 WHERE owner = $1 AND ${UNDER_WAY}`
// seaworthy_sagas_due, its first entries.
const NEXT_DUE = `SELECT wake_at_ms FROM seaworthy_sagas
  WHERE owner IS NULL AND ${UNDER_WAY} AND wake_at_ms IS NOT NULL AND saga || '/' || version = ANY ($1::text[])
  ORDER BY wake_at_ms LIMIT 1`
// Primary key of seaworthy_saga_events.
const PUT_EVENT = `INSERT INTO seaworthy_saga_events (saga_id, slot, data, expired, at_ms) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`
const WAS_EXPIRED = 'SELECT expired FROM seaworthy_saga_events WHERE saga_id = $1 AND slot = $2'
const SELECT_EVENTS = 'SELECT slot, data FROM seaworthy_saga_events WHERE saga_id = $1 AND NOT expired'
// Primary key of seaworthy_sagas. The row is taken also where nothing changes: a saga that is about to rest is waited for, and then woken.
const WAKE = `UPDATE seaworthy_sagas SET wake_at_ms = CASE WHEN owner IS NULL THEN 0 ELSE wake_at_ms END WHERE id = $1 RETURNING status`
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
  readonly parent: SagaParent | null
}

/** Sagas and their journals in a PostgreSQL database. */
export function postgresSagaStore(database: PostgresDatabase): SagaStore {
  return new PostgresSagaStore(database)
}

/** The sagas of a service that another process runs, whose tables may be of older code: they are only read. */
export function postgresSagaReader(database: PostgresDatabase): SagaReader {
  const load = async (id: string): Promise<StoredSaga | undefined> => {
    const [row] = await database.query<StoredRow>({ sql: READ_SAGA, params: [storable(id)] })
    return row && storedSaga(row)
  }
  return { load, list: (options) => listSagas(database, options) }
}

class PostgresSagaStore implements SagaStore {
  readonly #database: PostgresDatabase
  readonly #advances: SagaAdvances

  constructor(database: PostgresDatabase) {
    this.#database = database
    this.#advances = new SagaAdvances(database, advancing)
  }

  async start(tx: Transaction, record: SagaRecord, owner: string | null, entries: readonly JournalEntry[]): Promise<boolean> {
    const { id, saga, version, status, input, context, reason, startedAtMs, updatedAtMs, parent } = record
    const params: readonly SqlValue[] = [
      storable(id),
      saga,
      version,
      status,
      JSON.stringify(input ?? null),
      JSON.stringify(context),
      reason === undefined ? null : storable(reason),
      startedAtMs,
      updatedAtMs,
      parent === undefined ? null : JSON.stringify(parent),
      owner,
      entries.length,
      linesOf(entries),
    ]
    const pipelined = PipelinedTransaction.from(tx)
    if (pipelined === undefined) return (await tx.execute({ sql: INSERT_SAGA, params })).rowCount === 1
    await tx.execute({ sql: INSERT_SAGA_OR_FAIL, params })
    pipelined.onFailure((error) => this.#explained(error, id))
    return true
  }

  /** Why the start of a pipelined transaction was refused: that is over by then. */
  async #explained(cause: unknown, id: string): Promise<unknown> {
    if (!(cause instanceof PostgresConstraintError) || cause.constraint !== BY_ID || (await this.load(id)) === undefined) return undefined
    return new ConflictError(`Saga ${id} was started before, and nothing of this transaction was stored again.`, { cause })
  }

  async load(id: string): Promise<StoredSaga | undefined> {
    const [row] = await this.#database.query<StoredRow>({ sql: LOAD_SAGA, params: [storable(id)] })
    return row && storedSaga(row)
  }

  async lock(tx: Transaction, id: string): Promise<StoredSaga | undefined> {
    const params = [storable(id)]
    // A statement after the lock: it sees what was committed while that was waited for.
    const [, [row]] = await Promise.all([tx.query({ sql: LOCK_SAGA, params }), tx.query<StoredRow>({ sql: LOAD_SAGA, params })])
    return row && storedSaga(row)
  }

  async advance(tx: Transaction, id: string, advance: SagaAdvance): Promise<boolean> {
    return (await tx.execute(advancing(id, advance))).rowCount === 1
  }

  readonly advanceAlone = (id: string, advance: SagaAdvance): Promise<boolean> => this.#advances.advance(id, advance)

  async claim(claim: SagaClaim): Promise<readonly string[]> {
    const { owner, versions, id } = claim
    if (id !== undefined) {
      const params = [owner, storable(id), textArray(versions)]
      const [claimed] = await this.#database.atomically([{ sql: CLAIM_ONE, params }])
      return claimed?.rowCount === 1 ? [id] : []
    }
    const rows = await this.#database.transaction((tx) =>
      tx.query<{ id: string; started_at_ms: number }>({ sql: CLAIM, params: freeParams(claim) }),
    )
    return rows.toSorted((one, other) => one.started_at_ms - other.started_at_ms).map((row) => restored(row.id))
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
    const [row] = await this.#database.query<{ wake_at_ms: number }>({ sql: NEXT_DUE, params: [textArray(versions)] })
    return row?.wake_at_ms
  }

  async tell(
    tx: Transaction,
    { sagaId, slot, data, nowMs }: { sagaId: string; slot: string; data: unknown; nowMs: number },
  ): Promise<{ readonly told: Told; readonly status: SagaStatus | undefined }> {
    const [id, place] = [storable(sagaId), storable(slot)]
    const { rowCount } = await tx.execute({ sql: PUT_EVENT, params: [id, place, JSON.stringify(data ?? null), 'false', nowMs] })
    const [row] = await tx.query<{ status: SagaStatus }>({ sql: WAKE, params: [id] })
    if (rowCount === 1) return { told: 'new', status: row?.status }
    const [before] = await tx.query<{ expired: boolean }>({ sql: WAS_EXPIRED, params: [id, place] })
    return { told: before?.expired === true ? 'expired' : 'known', status: row?.status }
  }

  async expire(tx: Transaction, { sagaId, slot, nowMs }: { sagaId: string; slot: string; nowMs: number }): Promise<boolean> {
    const { rowCount } = await tx.execute({ sql: PUT_EVENT, params: [storable(sagaId), storable(slot), null, 'true', nowMs] })
    return rowCount === 1
  }

  async told(id: string, tx: Pick<Transaction, 'query'> = this.#database): Promise<ReadonlyMap<string, unknown>> {
    const rows = await tx.query<{ slot: string; data: unknown }>({ sql: SELECT_EVENTS, params: [storable(id)] })
    return new Map(rows.map(({ slot, data }) => [restored(slot), data]))
  }

  list(options: { status?: SagaStatus; max: number }): Promise<readonly SagaRecord[]> {
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

function linesOf(entries: readonly JournalEntry[]): string {
  return textArray(entries.map((entry) => JSON.stringify(entry)))
}

function advancing(id: string, { token, from, entries, to, reason, rest, atMs }: SagaAdvance) {
  const params: readonly SqlValue[] = [storable(id), token, from, entries.length, linesOf(entries)]
  if (to === undefined && rest === undefined) return { sql: ADVANCE_SAGA, params }
  const wakeAtMs = rest === undefined || rest.wakeAtMs === 'never' ? null : Math.ceil(rest.wakeAtMs)
  const updatedAtMs = to === undefined ? null : atMs
  const moved = [to ?? from, reason === undefined ? null : storable(reason), updatedAtMs, rest !== undefined ? 'true' : 'false', wakeAtMs]
  return { sql: MOVE_SAGA, params: [...params, ...moved] }
}

function freeParams({ owner, dead, versions, nowMs, max }: Omit<SagaClaim, 'id'>): readonly SqlValue[] {
  const others = dead === 'others'
  return [owner, nowMs, others ? 'true' : 'false', textArray(others ? [] : dead), textArray(versions), max]
}

type StoredRow = SagaRow & { readonly journal: readonly JournalEntry[]; readonly token: number; readonly pruned_at_ms?: number | null }

function storedSaga(row: StoredRow): StoredSaga {
  const { journal, token, pruned_at_ms: prunedAtMs = null } = row
  return { record: sagaRecord(row), journal, token, ...(prunedAtMs !== null && { prunedAtMs }) }
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
    ...(row.parent !== null && { parent: row.parent }),
  }
}
