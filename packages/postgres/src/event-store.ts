import { type Clock, type Propagated, type SqlValue, type Transaction, ConflictError, systemClock } from 'seaworthy/core'
import {
  type EventStore,
  type ExpectedVersion,
  type NewStoredEvent,
  type StoredEvent,
  type StoredSnapshot,
  EVENTS_PAGE_MAX,
  StreamArchivedError,
  WrongExpectedVersionError,
  noStreamToArchive,
} from 'seaworthy/event-sourcing'
import { type Append, appendStatements } from './append-statements.ts'
import type { PostgresDatabase } from './database.ts'
import { PostgresConstraintError, PostgresError } from './errors.ts'
import { librarySchema } from './migrate.ts'
import { PipelinedTransaction } from './pipelined-transaction.ts'
import { prepared } from './prepared.ts'
import { SettledPositions } from './settled-positions.ts'
import { restored, storable, textArray } from './values.ts'

/** Tables of {@link postgresEventStore}. */
export const eventStoreSchema = librarySchema('seaworthy.event-store', 2)

const REFUSED = 'SW001'
const BY_ID = 'seaworthy_events_by_id'
// Takes the stream's lock, and makes its row if need be.
const LOCK_STREAM = prepared(`INSERT INTO seaworthy_streams AS s (stream, version) VALUES ($1, 0)
  ON CONFLICT (stream) DO UPDATE SET version = s.version RETURNING version`)
// Primary key of seaworthy_streams.
const SELECT_VERSION = 'SELECT version, archived_at_ms FROM seaworthy_streams WHERE stream = $1'
// Primary key of seaworthy_streams. Waits for appends in flight; those that come later see it.
const ARCHIVE = 'UPDATE seaworthy_streams SET archived_at_ms = coalesce(archived_at_ms, $2) WHERE stream = $1 AND version > 0'
const RESTORE = 'UPDATE seaworthy_streams SET archived_at_ms = NULL WHERE stream = $1 AND archived_at_ms IS NOT NULL'
// seaworthy_events_by_id, a look-up for each id.
const SELECT_KNOWN = 'SELECT count(*) AS count, max(version) AS version FROM seaworthy_events WHERE stream = $1 AND id = ANY ($2::text[])'
const EVENT = 'position, stream, version, id, type, schema_version, data, context, recorded_at_ms'
// seaworthy_events_by_version, a range.
const SELECT_STREAM = prepared(`SELECT ${EVENT} FROM seaworthy_events WHERE stream = $1 AND version > $2 ORDER BY version LIMIT $3`)
// seaworthy_events_by_version, a range from its end.
const SELECT_BACKWARDS = prepared(`SELECT ${EVENT} FROM seaworthy_events WHERE stream = $1 AND version < $2 ORDER BY version DESC LIMIT $3`)
// seaworthy_events_by_id.
const SELECT_EVENT = `SELECT ${EVENT} FROM seaworthy_events WHERE stream = $1 AND id = $2`
// seaworthy_streams_archived, a look-up for each event.
const IS_ARCHIVED = 'EXISTS (SELECT FROM seaworthy_streams s WHERE s.stream = e.stream AND s.archived_at_ms IS NOT NULL)'
// Primary key of seaworthy_events, a range. With the archived ones: their positions are no gaps.
const SELECT_ALL = prepared(
  `SELECT ${EVENT}, ${IS_ARCHIVED} AS archived FROM seaworthy_events e WHERE position > $1 ORDER BY position LIMIT $2`,
)
// Primary key of seaworthy_events, from the end of a range.
const SELECT_LAST_OPEN = `SELECT position FROM seaworthy_events e WHERE position <= $1 AND NOT ${IS_ARCHIVED} ORDER BY position DESC LIMIT 1`
// Primary key of seaworthy_snapshots.
const SELECT_SNAPSHOT = prepared('SELECT version, schema_version, state, taken_at_ms FROM seaworthy_snapshots WHERE stream = $1')
// Primary key of seaworthy_snapshots.
const SAVE_SNAPSHOT = `INSERT INTO seaworthy_snapshots (stream, version, schema_version, state, taken_at_ms) VALUES ($1, $2, $3, $4, $5)
  ON CONFLICT (stream) DO UPDATE SET version = excluded.version, schema_version = excluded.schema_version, state = excluded.state,
    taken_at_ms = excluded.taken_at_ms`
const CHANNEL = 'seaworthy_events'

/** Whether an append failed because the stream is not as it was expected. */
function isRefusal(error: unknown): boolean {
  if (error instanceof PostgresConstraintError) return error.constraint === BY_ID
  return error instanceof PostgresError && error.sqlState === REFUSED
}

interface EventRow {
  readonly position: number
  readonly stream: string
  readonly version: number
  readonly id: string
  readonly type: string
  readonly schema_version: number
  readonly data: unknown
  readonly context: Propagated
  readonly recorded_at_ms: number
}

/**
 * An event store in a PostgreSQL database. Appends to different streams go side by side; `readAll` stops before what a commit in flight may yet
 * fill, and nothing but appends in flight holds it up.
 */
export function postgresEventStore(database: PostgresDatabase, options: { clock?: Clock } = {}): EventStore {
  return new PostgresEventStore(database, options.clock ?? systemClock)
}

class PostgresEventStore implements EventStore {
  readonly #database: PostgresDatabase
  readonly #clock: Clock
  readonly #settled: SettledPositions
  readonly #listeners = new Set<() => void>()
  #listening = false

  constructor(database: PostgresDatabase, clock: Clock) {
    this.#database = database
    this.#clock = clock
    this.#settled = new SettledPositions(database, clock)
  }

  async append(tx: Transaction, stream: string, events: readonly NewStoredEvent[], expected: ExpectedVersion): Promise<number> {
    if (events.length === 0) return this.#versionAsExpected(tx, stream, expected)
    // Without a version to expect, the stream is locked before anything is asked.
    const at = expected === 'any' ? await this.#lockedVersion(tx, stream) : expected === 'no-stream' ? 0 : expected
    const append: Append = { stream, events, at, nowMs: this.#clock.now() }
    const pipelined = PipelinedTransaction.from(tx)
    if (pipelined === undefined) {
      const { rowCount } = await tx.execute(appendStatements(append)('counts'))
      if (rowCount === 0) {
        const known = await this.#knownVersion(tx, stream, events)
        if (known !== undefined) return known
        throw new WrongExpectedVersionError(stream, { expected, actual: await this.#openVersion(tx, stream) })
      }
    } else await this.#appendPipelined(pipelined, append, expected)
    tx.afterCommit(() => {
      this.#tell()
      this.#database.notify(CHANNEL, '')
    })
    return at + events.length
  }

  /** Together with those of other callers who wait at that moment. */
  readonly appendAlone: NonNullable<EventStore['appendAlone']> = async (stream, events, expected, within) => {
    // Something has to be asked first.
    if (expected === 'any' || events.length === 0) {
      return this.#database.transaction((tx) => this.append(tx, stream, events, expected), within)
    }
    try {
      return await this.#database.pipelined((tx) => this.append(tx, stream, events, expected), within)
    } catch (error) {
      if (!(error instanceof ConflictError) || error instanceof WrongExpectedVersionError) throw error
      const known = await this.#knownVersion(this.#database, stream, events)
      if (known === undefined) throw error
      return known
    }
  }

  async read(stream: string, { after = 0, max = EVENTS_PAGE_MAX, tx }: { after?: number; max?: number; tx?: Transaction } = {}) {
    return this.#events(SELECT_STREAM, [storable(stream), after, max], tx)
  }

  async readBackwards(stream: string, options: { before?: number; max?: number; tx?: Transaction } = {}) {
    const { before = Number.MAX_SAFE_INTEGER, max = EVENTS_PAGE_MAX, tx } = options
    return this.#events(SELECT_BACKWARDS, [storable(stream), before, max], tx)
  }

  async find(stream: string, eventId: string, tx?: Transaction): Promise<StoredEvent | undefined> {
    return (await this.#events(SELECT_EVENT, [storable(stream), storable(eventId)], tx))[0]
  }

  async readAll(options: { after: number; max: number; archived?: boolean }): Promise<readonly StoredEvent[]> {
    const { after, max, archived: withArchived = false } = options
    for (let from = after; ;) {
      const rows = await this.#settledRows(from, max)
      const open = withArchived ? rows : rows.filter(({ archived }) => !archived)
      if (open.length > 0 || rows.length === 0) return open.map(storedEvent)
      // A page of archived streams alone is not the end.
      from = rows.at(-1)!.position
    }
  }

  async head(): Promise<number> {
    const head = await this.#settled.head()
    const [row] = await this.#database.query<{ position: number }>({ sql: SELECT_LAST_OPEN, params: [head] })
    return row?.position ?? 0
  }

  async archive(tx: Transaction, stream: string): Promise<void> {
    const { rowCount } = await tx.execute({ sql: ARCHIVE, params: [storable(stream), this.#clock.now()] })
    if (rowCount === 0) throw noStreamToArchive(stream)
  }

  async restore(tx: Transaction, stream: string): Promise<void> {
    await tx.execute({ sql: RESTORE, params: [storable(stream)] })
  }

  async archivedAtMs(stream: string, tx?: Transaction): Promise<number | undefined> {
    return (await this.#stream(stream, tx)).archivedAtMs
  }

  async loadSnapshot(stream: string, tx?: Transaction): Promise<StoredSnapshot | undefined> {
    const [row] = await (tx ?? this.#database).query<{
      version: number
      schema_version: number
      state: unknown
      taken_at_ms: number
    }>({
      sql: SELECT_SNAPSHOT,
      params: [storable(stream)],
    })
    return row && { stream, version: row.version, schemaVersion: row.schema_version, state: row.state, takenAtMs: row.taken_at_ms }
  }

  async saveSnapshot(tx: Transaction, { stream, version, schemaVersion, state, takenAtMs }: StoredSnapshot): Promise<void> {
    await tx.execute({ sql: SAVE_SNAPSHOT, params: [storable(stream), version, schemaVersion, JSON.stringify(state), takenAtMs] })
  }

  /** Tells of the appends of other processes too, where they notify: those of this library do. */
  onAppended(listener: () => void): () => void {
    if (!this.#listening) this.#database.listen(CHANNEL, () => this.#tell())
    this.#listening = true
    const own = () => listener()
    this.#listeners.add(own)
    return () => this.#listeners.delete(own)
  }

  #tell(): void {
    for (const listener of this.#listeners) listener()
  }

  /** By itself, it goes with the appends of others; with anything else, it must fail the transaction that is on its way with it. */
  async #appendPipelined(pipelined: PipelinedTransaction, append: Append, expected: ExpectedVersion): Promise<void> {
    pipelined.onFailure(async (error) => (isRefusal(error) ? this.#refusal(append, expected, error) : undefined))
    const statement = appendStatements(append)
    await pipelined.executeOrAlone(statement('fails'), {
      statement: statement('alone'),
      locks: append.stream,
      check: async (rowCount) => {
        if (rowCount > 0) return
        // Where it is as expected by now, it was not at that moment: archived, perhaps.
        throw (await this.#refusal(append, expected)) ?? new WrongExpectedVersionError(append.stream, { expected, actual: append.at })
      },
    })
  }

  /** Why an append of a pipelined transaction was refused: that is over by then. Undefined where the stream is as was expected: of several appends, another was refused. */
  async #refusal({ stream, events, at }: Append, expected: ExpectedVersion, cause?: unknown): Promise<unknown> {
    const known = await this.#knownVersion(this.#database, stream, events)
    if (known !== undefined) {
      return new ConflictError(
        `Stream ${stream} holds these events already, up to version ${known}: this transaction was committed before, and nothing of it was stored again.`,
        { cause },
      )
    }
    const actual = await this.#openVersion(undefined, stream)
    return actual === at ? undefined : new WrongExpectedVersionError(stream, { expected, actual }, { cause })
  }

  async #lockedVersion(tx: Transaction, stream: string): Promise<number> {
    const [row] = await tx.query<{ version: number }>({ sql: LOCK_STREAM, params: [storable(stream)] })
    return row!.version
  }

  /** Rows up to the first gap that may yet be filled. */
  async #settledRows(after: number, max: number): Promise<readonly (EventRow & { readonly archived: boolean })[]> {
    const read = async () => {
      const rows = await this.#database.query<EventRow & { readonly archived: boolean }>({ sql: SELECT_ALL, params: [after, max] })
      const last = this.#settled.lastSettled(
        after,
        rows.map(({ position }) => position),
      )
      return { rows, settled: last === after ? 0 : rows.findLastIndex(({ position }) => position <= last) + 1 }
    }
    let page = await read()
    if (page.settled < page.rows.length) {
      await this.#settled.observe()
      page = await read()
    }
    return page.rows.slice(0, page.settled)
  }

  async #stream(stream: string, tx?: Transaction): Promise<{ version: number; archivedAtMs: number | undefined }> {
    const [row] = await (tx ?? this.#database).query<{ version: number; archived_at_ms: number | null }>({
      sql: SELECT_VERSION,
      params: [storable(stream)],
    })
    return { version: row?.version ?? 0, archivedAtMs: row?.archived_at_ms ?? undefined }
  }

  /** @throws StreamArchivedError */
  async #openVersion(tx: Transaction | undefined, stream: string): Promise<number> {
    const { version, archivedAtMs } = await this.#stream(stream, tx)
    if (archivedAtMs !== undefined) throw new StreamArchivedError(stream, archivedAtMs)
    return version
  }

  async #versionAsExpected(tx: Transaction, stream: string, expected: ExpectedVersion): Promise<number> {
    const actual = await this.#openVersion(tx, stream)
    if (expected !== 'any' && actual !== (expected === 'no-stream' ? 0 : expected)) {
      throw new WrongExpectedVersionError(stream, { expected, actual })
    }
    return actual
  }

  /** The version after these events were stored the first time, if they were. */
  async #knownVersion(tx: Pick<Transaction, 'query'>, stream: string, events: readonly NewStoredEvent[]): Promise<number | undefined> {
    const ids = textArray(events.map(({ id }) => storable(id)))
    const [row] = await tx.query<{ count: number; version: number | null }>({ sql: SELECT_KNOWN, params: [storable(stream), ids] })
    if (row === undefined || row.version === null) return undefined
    if (row.count === events.length) return row.version
    throw new ConflictError(
      `Stream ${stream} holds ${row.count} of the ${events.length} events to be appended. Append them with the ids and in the groups of the first time, or give them new ids.`,
    )
  }

  async #events(sql: string, params: readonly SqlValue[], tx?: Transaction): Promise<readonly StoredEvent[]> {
    const rows = await (tx ?? this.#database).query<EventRow>({ sql, params })
    return rows.map(storedEvent)
  }
}

function storedEvent(row: EventRow): StoredEvent {
  return {
    stream: restored(row.stream),
    version: row.version,
    position: row.position,
    id: restored(row.id),
    type: restored(row.type),
    schemaVersion: row.schema_version,
    data: row.data,
    context: row.context,
    recordedAtMs: row.recorded_at_ms,
  }
}
