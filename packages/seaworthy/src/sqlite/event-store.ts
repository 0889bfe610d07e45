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
import type { SqliteDatabase } from './database.ts'
import type { SchemaComponent } from './migrate.ts'

/** Tables of {@link sqliteEventStore}. */
export const eventStoreSchema: SchemaComponent = {
  component: 'seaworthy.event-store',
  versions: [
    // AUTOINCREMENT: a position is never given out twice, not even when the newest rows were deleted, or readers would miss the new ones.
    `CREATE TABLE seaworthy_events (
      position INTEGER PRIMARY KEY AUTOINCREMENT,
      stream TEXT NOT NULL,
      version INTEGER NOT NULL CHECK (version > 0),
      id TEXT NOT NULL,
      type TEXT NOT NULL,
      schema_version INTEGER NOT NULL CHECK (schema_version > 0),
      data TEXT NOT NULL,
      context TEXT NOT NULL,
      recorded_at_ms INTEGER NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX seaworthy_events_by_version ON seaworthy_events (stream, version);
    CREATE UNIQUE INDEX seaworthy_events_by_id ON seaworthy_events (stream, id);
    CREATE TABLE seaworthy_snapshots (
      stream TEXT PRIMARY KEY,
      version INTEGER NOT NULL,
      schema_version INTEGER NOT NULL,
      state TEXT NOT NULL
    ) STRICT, WITHOUT ROWID`,
    `CREATE TABLE seaworthy_archived_streams (
      stream TEXT PRIMARY KEY,
      archived_at_ms INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    ALTER TABLE seaworthy_snapshots ADD COLUMN taken_at_ms INTEGER NOT NULL DEFAULT 0`,
  ],
}

const OF_STREAM = 'position, version, id, type, schema_version, data, context, recorded_at_ms'
const EVENT = `stream, ${OF_STREAM}`
// seaworthy_events_by_version, its last entry of the stream; primary key of seaworthy_archived_streams.
const SELECT_VERSION = `SELECT max(version) AS version,
  (SELECT archived_at_ms FROM seaworthy_archived_streams WHERE stream = ?1) AS archived_at_ms FROM seaworthy_events WHERE stream = ?1`
// seaworthy_events_by_id, a look-up for each id.
const SELECT_KNOWN = `SELECT count(*) AS count, max(version) AS version FROM seaworthy_events
  WHERE stream = ? AND id IN (SELECT value FROM json_each(?))`
const INSERT_EVENT = `INSERT INTO seaworthy_events (stream, version, id, type, schema_version, data, context, recorded_at_ms)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?)`
// seaworthy_events_by_version, a range.
const SELECT_STREAM = `SELECT ${OF_STREAM} FROM seaworthy_events WHERE stream = ? AND version > ? ORDER BY version LIMIT ? + 0`
// seaworthy_events_by_version, a range from its end.
const SELECT_BACKWARDS = `SELECT ${OF_STREAM} FROM seaworthy_events WHERE stream = ? AND version < ? ORDER BY version DESC LIMIT ? + 0`
// seaworthy_events_by_id.
const SELECT_EVENT = `SELECT ${OF_STREAM} FROM seaworthy_events WHERE stream = ? AND id = ?`
// Primary key of seaworthy_archived_streams, a look-up for each event.
const IS_OPEN = 'NOT EXISTS (SELECT 1 FROM seaworthy_archived_streams a WHERE a.stream = e.stream)'
// Primary key of seaworthy_events, a range, in both.
const SELECT_OPEN = `SELECT ${EVENT} FROM seaworthy_events e WHERE position > ? AND ${IS_OPEN} ORDER BY position LIMIT ? + 0`
const SELECT_ALL = `SELECT ${EVENT} FROM seaworthy_events WHERE position > ? ORDER BY position LIMIT ? + 0`
// Primary key of seaworthy_events, from its last entry.
const SELECT_HEAD = `SELECT position FROM seaworthy_events e WHERE ${IS_OPEN} ORDER BY position DESC LIMIT 1`
// Primary key of seaworthy_archived_streams, in all three.
const ARCHIVE = 'INSERT INTO seaworthy_archived_streams (stream, archived_at_ms) VALUES (?, ?) ON CONFLICT DO NOTHING'
const RESTORE = 'DELETE FROM seaworthy_archived_streams WHERE stream = ?'
const SELECT_ARCHIVED = 'SELECT archived_at_ms FROM seaworthy_archived_streams WHERE stream = ?'
// Primary key of seaworthy_snapshots.
const SELECT_SNAPSHOT = 'SELECT version, schema_version, state, taken_at_ms FROM seaworthy_snapshots WHERE stream = ?'
// Primary key of seaworthy_snapshots.
const SAVE_SNAPSHOT = `INSERT INTO seaworthy_snapshots (stream, version, schema_version, state, taken_at_ms) VALUES (?, ?, ?, ?, ?)
  ON CONFLICT (stream) DO UPDATE SET version = excluded.version, schema_version = excluded.schema_version, state = excluded.state,
    taken_at_ms = excluded.taken_at_ms`

interface EventRow {
  readonly position: number
  readonly version: number
  readonly id: string
  readonly type: string
  readonly schema_version: number
  readonly data: string
  readonly context: string
  readonly recorded_at_ms: number
}

/** An event store in an embedded database. Its writers come one after another, so what is committed can no longer be overtaken. */
export function sqliteEventStore(database: SqliteDatabase, options: { clock?: Clock } = {}): EventStore {
  return new SqliteEventStore(database, options.clock ?? systemClock)
}

class SqliteEventStore implements EventStore {
  readonly #database: SqliteDatabase
  readonly #clock: Clock
  readonly #listeners = new Set<() => void>()

  constructor(database: SqliteDatabase, clock: Clock) {
    this.#database = database
    this.#clock = clock
  }

  async append(tx: Transaction, stream: string, events: readonly NewStoredEvent[], expected: ExpectedVersion): Promise<number> {
    const known = await this.#knownVersion(tx, stream, events)
    if (known !== undefined) return known
    const [row] = await tx.query<{ version: number | null; archived_at_ms: number | null }>({ sql: SELECT_VERSION, params: [stream] })
    if (row !== undefined && row.archived_at_ms !== null) throw new StreamArchivedError(stream, row.archived_at_ms)
    let version = row?.version ?? 0
    if (expected !== 'any' && version !== (expected === 'no-stream' ? 0 : expected)) {
      throw new WrongExpectedVersionError(stream, { expected, actual: version })
    }
    for (const { id, type, schemaVersion, data, context } of events) {
      version++
      await tx.execute({
        sql: INSERT_EVENT,
        params: [stream, version, id, type, schemaVersion, JSON.stringify(data ?? null), JSON.stringify(context), this.#clock.now()],
      })
    }
    if (events.length > 0) {
      tx.afterCommit(() => {
        for (const listener of this.#listeners) listener()
      })
    }
    return version
  }

  async read(stream: string, { after = 0, max = EVENTS_PAGE_MAX, tx }: { after?: number; max?: number; tx?: Transaction } = {}) {
    return this.#ofStream(SELECT_STREAM, [stream, after, max], tx)
  }

  async readBackwards(stream: string, options: { before?: number; max?: number; tx?: Transaction } = {}) {
    const { before = Number.MAX_SAFE_INTEGER, max = EVENTS_PAGE_MAX, tx } = options
    return this.#ofStream(SELECT_BACKWARDS, [stream, before, max], tx)
  }

  async find(stream: string, eventId: string, tx?: Transaction): Promise<StoredEvent | undefined> {
    return (await this.#ofStream(SELECT_EVENT, [stream, eventId], tx))[0]
  }

  async readAll(options: { after: number; max: number; archived?: boolean }): Promise<readonly StoredEvent[]> {
    const sql = options.archived === true ? SELECT_ALL : SELECT_OPEN
    const rows = await this.#database.query<EventRow & { readonly stream: string }>({ sql, params: [options.after, options.max] })
    return rows.map((row) => storedEvent(row, row.stream))
  }

  async head(): Promise<number> {
    const [row] = await this.#database.query<{ position: number }>({ sql: SELECT_HEAD })
    return row?.position ?? 0
  }

  async archive(tx: Transaction, stream: string): Promise<void> {
    const [row] = await tx.query<{ version: number | null }>({ sql: SELECT_VERSION, params: [stream] })
    if (row === undefined || row.version === null) throw noStreamToArchive(stream)
    await tx.execute({ sql: ARCHIVE, params: [stream, this.#clock.now()] })
  }

  async restore(tx: Transaction, stream: string): Promise<void> {
    await tx.execute({ sql: RESTORE, params: [stream] })
  }

  async archivedAtMs(stream: string, tx?: Transaction): Promise<number | undefined> {
    const [row] = await (tx ?? this.#database).query<{ archived_at_ms: number }>({ sql: SELECT_ARCHIVED, params: [stream] })
    return row?.archived_at_ms
  }

  async loadSnapshot(stream: string, tx?: Transaction): Promise<StoredSnapshot | undefined> {
    const [row] = await (tx ?? this.#database).query<{
      version: number
      schema_version: number
      state: string
      taken_at_ms: number
    }>({
      sql: SELECT_SNAPSHOT,
      params: [stream],
    })
    return (
      row && {
        stream,
        version: row.version,
        schemaVersion: row.schema_version,
        state: JSON.parse(row.state) as unknown,
        takenAtMs: row.taken_at_ms,
      }
    )
  }

  async saveSnapshot(tx: Transaction, { stream, version, schemaVersion, state, takenAtMs }: StoredSnapshot): Promise<void> {
    await tx.execute({ sql: SAVE_SNAPSHOT, params: [stream, version, schemaVersion, JSON.stringify(state), takenAtMs] })
  }

  onAppended(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** The version after these events were stored the first time, if they were. */
  async #knownVersion(tx: Transaction, stream: string, events: readonly NewStoredEvent[]): Promise<number | undefined> {
    if (events.length === 0) return undefined
    const ids = JSON.stringify(events.map(({ id }) => id))
    const [row] = await tx.query<{ count: number; version: number | null }>({ sql: SELECT_KNOWN, params: [stream, ids] })
    if (row === undefined || row.version === null) return undefined
    if (row.count === events.length) return row.version
    throw new ConflictError(
      `Stream ${stream} holds ${row.count} of the ${events.length} events to be appended. Append them with the ids and in the groups of the first time, or give them new ids.`,
    )
  }

  /** Events of the stream that is the first parameter. Its name is known, and not read again with each row. */
  async #ofStream(sql: string, params: readonly [stream: string, ...SqlValue[]], tx?: Transaction): Promise<readonly StoredEvent[]> {
    const rows = await (tx ?? this.#database).query<EventRow>({ sql, params })
    return rows.map((row) => storedEvent(row, params[0]))
  }
}

function storedEvent(row: EventRow, stream: string): StoredEvent {
  return {
    stream,
    version: row.version,
    position: row.position,
    id: row.id,
    type: row.type,
    schemaVersion: row.schema_version,
    data: JSON.parse(row.data),
    context: JSON.parse(row.context) as Propagated,
    recordedAtMs: row.recorded_at_ms,
  }
}
