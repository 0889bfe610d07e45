import { type Statement, type Transaction, sleep, systemClock } from 'seaworthy/core'
import type {
  DocumentChange,
  DocumentWrite,
  ListedDocuments,
  LiveVersions,
  Loaded,
  ModelVersion,
  ParkedDocument,
  ParkingChange,
  ReadStore,
  StoredDocument,
  SwitchOutcome,
} from 'seaworthy/projections'
import type { PostgresDatabase } from './database.ts'
import { librarySchema } from './migrate.ts'
import { prepared } from './prepared.ts'
import { restored, storable, textArray } from './values.ts'

/** Tables of {@link postgresReadStore}. */
export const readStoreSchema = librarySchema('seaworthy.documents', 2)

// Primary key of seaworthy_parked_documents, in all of these.
const PARKED = 'key, revision, waiting, attempts, reason, parked_at_ms'
const SELECT_PARKED = `SELECT ${PARKED} FROM seaworthy_parked_documents WHERE projection = $1 AND version = $2 AND key > $3 ORDER BY key LIMIT $4`
const INSERT_PARKED = `INSERT INTO seaworthy_parked_documents (projection, version, key, position, waiting, attempts, reason, parked_at_ms, revision)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1) ON CONFLICT DO NOTHING`
const UPDATE_PARKED = `UPDATE seaworthy_parked_documents
  SET position = $4, waiting = $5, attempts = $6, reason = $7, parked_at_ms = $8, revision = revision + 1
  WHERE projection = $1 AND version = $2 AND key = $3 AND revision = $9`
const DELETE_PARKED = 'DELETE FROM seaworthy_parked_documents WHERE projection = $1 AND version = $2 AND key = $3 AND revision = $4'
const REMOVE_PARKED = 'DELETE FROM seaworthy_parked_documents WHERE projection = $1 AND version = $2'
const SELECT_STANDING_STILL = `SELECT FROM seaworthy_parked_documents new LEFT JOIN seaworthy_parked_documents old
    ON old.projection = new.projection AND old.version = $2 AND old.key = new.key
  WHERE new.projection = $1 AND new.version = $3 AND (old.position IS NULL OR new.position < old.position) LIMIT 1`
// Primary keys of the three tables; a look-up for each key. One statement is one moment.
const LOAD = prepared(`SELECT c.position, c.parked, d.key, d.revision, d.document, d.list, d.place
  FROM (SELECT (SELECT position FROM seaworthy_document_checkpoints WHERE projection = $1 AND version = $2 AND name = $3) AS position,
    (SELECT json_agg(p) FROM (
      SELECT ${PARKED} FROM seaworthy_parked_documents WHERE projection = $1 AND version = $2 AND key = ANY ($4::text[])) p) AS parked) c
  LEFT JOIN seaworthy_documents d ON d.projection = $1 AND d.version = $2 AND d.key = ANY ($4::text[])`)
// Writers of a version side by side; a switch away from it waits until they have ended, and keeps others out for its moment.
const LOCK_FOR_WRITE = prepared(
  "SELECT pg_advisory_xact_lock_shared(hashtextextended('seaworthy.documents/' || $1::text || '/' || $2::int, 0))",
)
const LOCK_FOR_SWITCH = prepared("SELECT pg_advisory_xact_lock(hashtextextended('seaworthy.documents/' || $1::text || '/' || $2::int, 0))")
// Primary key of seaworthy_document_checkpoints, in the next four. The row stays locked until the transaction ends.
const BEGIN_CHECKPOINT =
  prepared(`INSERT INTO seaworthy_document_checkpoints AS c (projection, version, name, position) VALUES ($1, $2, $3, $4)
  ON CONFLICT (projection, version, name) DO UPDATE SET position = excluded.position WHERE c.position = 0`)
const MOVE_CHECKPOINT = prepared(
  'UPDATE seaworthy_document_checkpoints SET position = $4 WHERE projection = $1 AND version = $2 AND name = $3 AND position = $5',
)
const SELECT_CHECKPOINTS = prepared('SELECT name, position FROM seaworthy_document_checkpoints WHERE projection = $1 AND version = $2')
const SELECT_BEHIND = `SELECT FROM seaworthy_document_checkpoints old LEFT JOIN seaworthy_document_checkpoints new
    ON new.projection = old.projection AND new.version = $3 AND new.name = old.name
  WHERE old.projection = $1 AND old.version = $2 AND old.position > coalesce(new.position, 0) LIMIT 1`
const CHANGES = 'jsonb_to_recordset($3::jsonb) AS c (key text, revision bigint, document jsonb, list text, place bigint)'
// Primary key of seaworthy_documents, a look-up for each change, in the next three.
const INSERT_DOCUMENTS = prepared(`INSERT INTO seaworthy_documents (projection, version, key, revision, document, list, place)
  SELECT $1, $2, c.key, 1, c.document, c.list, c.place FROM ${CHANGES} ORDER BY c.key COLLATE "C" ON CONFLICT DO NOTHING`)
const UPDATE_DOCUMENTS = prepared(`UPDATE seaworthy_documents d
  SET document = c.document, list = c.list, place = c.place, revision = d.revision + 1 FROM ${CHANGES}
  WHERE d.projection = $1 AND d.version = $2 AND d.key = c.key AND d.revision = c.revision`)
const DELETE_DOCUMENTS = prepared(`DELETE FROM seaworthy_documents d USING ${CHANGES}
  WHERE d.projection = $1 AND d.version = $2 AND d.key = c.key AND d.revision = c.revision`)
// Primary key of seaworthy_documents, a range.
const SELECT_KEYS = 'SELECT key FROM seaworthy_documents WHERE projection = $1 AND version = $2 AND key > $3 ORDER BY key LIMIT $4'
// Primary key of seaworthy_live_versions, in the next five.
const SELECT_VERSIONS = prepared('SELECT live, previous FROM seaworthy_live_versions WHERE projection = $1')
const ENSURE_VERSIONS = 'INSERT INTO seaworthy_live_versions (projection, live, previous) VALUES ($1, 0, 0) ON CONFLICT DO NOTHING'
const LOCK_VERSIONS = 'SELECT live, previous FROM seaworthy_live_versions WHERE projection = $1 FOR UPDATE'
const SET_LIVE = 'UPDATE seaworthy_live_versions SET live = $2, previous = $3 WHERE projection = $1'
const FORGET_PREVIOUS = 'UPDATE seaworthy_live_versions SET previous = 0 WHERE projection = $1 AND previous = $2'
// Primary key of seaworthy_live_versions, then that of seaworthy_documents.
const FIND = prepared(`SELECT l.live, d.key, d.revision, d.document, d.list, d.place FROM seaworthy_live_versions l
  LEFT JOIN seaworthy_documents d ON d.projection = l.projection AND d.version = l.live AND d.key = $2 WHERE l.projection = $1`)
// Primary key of seaworthy_live_versions, then a range of seaworthy_documents_by_list, read backwards, and its count.
const LIST = prepared(`SELECT l.live, d.key, d.revision, d.document, d.list, d.place,
    (SELECT count(*) FROM seaworthy_documents WHERE projection = $1 AND version = l.live AND list = $2) AS total
  FROM seaworthy_live_versions l LEFT JOIN LATERAL (
    SELECT key, revision, document, list, place FROM seaworthy_documents
    WHERE projection = $1 AND version = l.live AND list = $2 ORDER BY place DESC, key DESC LIMIT $3 OFFSET $4) d ON true
  WHERE l.projection = $1 ORDER BY d.place DESC, d.key DESC`)
// Primary key of seaworthy_documents, a range; primary key of seaworthy_document_checkpoints, a range.
const REMOVE_DOCUMENTS = `DELETE FROM seaworthy_documents WHERE ctid = ANY (ARRAY(
  SELECT ctid FROM seaworthy_documents WHERE projection = $1 AND version = $2 LIMIT $3))`
const REMOVE_CHECKPOINTS = 'DELETE FROM seaworthy_document_checkpoints WHERE projection = $1 AND version = $2'
const REMOVE_BATCH_SIZE = 1_000
// How long a switch keeps the writers of the old version waiting, so that those of the new one can get as far. Readers wait for nobody.
const HOLD_MS = 1_000
const LOOK_MS = 5

interface ParkedRow {
  readonly key: string
  readonly revision: number
  readonly waiting: readonly number[]
  readonly attempts: number
  readonly reason: string
  readonly parked_at_ms: number
}

interface DocumentRow {
  readonly key: string | null
  readonly revision: number
  readonly document: unknown
  readonly list: string | null
  readonly place: number
}

/** Read models as jsonb in a PostgreSQL database. A document with a NUL character in it is refused by the server. */
export function postgresReadStore(database: PostgresDatabase): ReadStore {
  return new PostgresReadStore(database)
}

/** Rolls a transaction back whose writer was overtaken. Never leaves this file. */
class Overtaken extends Error {}

class PostgresReadStore implements ReadStore {
  readonly #database: PostgresDatabase

  constructor(database: PostgresDatabase) {
    this.#database = database
  }

  async load(
    { projection, version }: ModelVersion,
    { checkpoint, keys }: { checkpoint: string; keys: readonly string[] },
  ): Promise<Loaded> {
    const rows = await this.#database.query<DocumentRow & { position: number | null; parked: readonly ParkedRow[] | null }>({
      sql: LOAD,
      params: [projection, version, storable(checkpoint), textArray(keys.map(storable))],
    })
    return {
      position: rows[0]?.position ?? 0,
      documents: new Map(documentsOf(rows).map((document) => [document.key, document])),
      parked: new Map((rows[0]?.parked ?? []).map(parkedDocument).map((document) => [document.key, document])),
    }
  }

  async write({ projection, version }: ModelVersion, { checkpoint, from, to, changes, parking = [] }: DocumentWrite): Promise<boolean> {
    const model = [projection, version]
    const name = storable(checkpoint)
    try {
      await this.#database.transaction(async (tx) => {
        await tx.query({ sql: LOCK_FOR_WRITE, params: model })
        const { rowCount } = await (from === 0
          ? tx.execute({ sql: BEGIN_CHECKPOINT, params: [...model, name, to] })
          : tx.execute({ sql: MOVE_CHECKPOINT, params: [...model, name, to, from] }))
        if (rowCount !== 1) throw new Overtaken()
        for (const [sql, some] of [
          [INSERT_DOCUMENTS, changes.filter(({ document, before }) => document !== undefined && before === undefined)],
          [UPDATE_DOCUMENTS, changes.filter(({ document, before }) => document !== undefined && before !== undefined)],
          [DELETE_DOCUMENTS, changes.filter(({ document }) => document === undefined)],
        ] as const) {
          if (some.length === 0) continue
          const changed = await tx.execute({ sql, params: [...model, JSON.stringify(some.map(asRow))] })
          if (changed.rowCount !== some.length) throw new Overtaken()
        }
        for (const change of parking) if ((await tx.execute(parkingOf(model, change))).rowCount !== 1) throw new Overtaken()
      })
      return true
    } catch (error) {
      if (error instanceof Overtaken) return false
      throw error
    }
  }

  async checkpoints({ projection, version }: ModelVersion): Promise<ReadonlyMap<string, number>> {
    const rows = await this.#database.query<{ name: string; position: number }>({ sql: SELECT_CHECKPOINTS, params: [projection, version] })
    return new Map(rows.map(({ name, position }) => [restored(name), position]))
  }

  async keys({ projection, version }: ModelVersion, { after, max }: { after: string; max: number }): Promise<readonly string[]> {
    const rows = await this.#database.query<{ key: string }>({ sql: SELECT_KEYS, params: [projection, version, storable(after), max] })
    return rows.map(({ key }) => restored(key))
  }

  async parked({ projection, version }: ModelVersion, { after, max }: { after: string; max: number }): Promise<readonly ParkedDocument[]> {
    const params = [projection, version, storable(after), max]
    return (await this.#database.query<ParkedRow>({ sql: SELECT_PARKED, params })).map(parkedDocument)
  }

  async remove({ projection, version }: ModelVersion): Promise<boolean> {
    for (;;) {
      const left = await this.#database.transaction(async (tx) => {
        const { live } = await versionsOf(projection, tx, LOCK_VERSIONS)
        if (live === version) return 'live'
        await tx.execute({ sql: FORGET_PREVIOUS, params: [projection, version] })
        const { rowCount } = await tx.execute({ sql: REMOVE_DOCUMENTS, params: [projection, version, REMOVE_BATCH_SIZE] })
        if (rowCount === REMOVE_BATCH_SIZE) return 'some'
        await tx.execute({ sql: REMOVE_CHECKPOINTS, params: [projection, version] })
        await tx.execute({ sql: REMOVE_PARKED, params: [projection, version] })
        return 'none'
      })
      if (left !== 'some') return left === 'none'
    }
  }

  versions(projection: string): Promise<LiveVersions> {
    return versionsOf(projection, this.#database, SELECT_VERSIONS)
  }

  makeLive(
    projection: string,
    { from, to, evenIfBehind = false }: { from: number; to: number; evenIfBehind?: boolean },
  ): Promise<SwitchOutcome> {
    return this.#database.transaction(async (tx) => {
      await tx.execute({ sql: ENSURE_VERSIONS, params: [projection] })
      const { live } = await versionsOf(projection, tx, LOCK_VERSIONS)
      if (live !== from) return 'moved'
      if (!evenIfBehind) {
        await tx.query({ sql: LOCK_FOR_SWITCH, params: [projection, from] })
        const deadlineMs = systemClock.monotonicMs() + HOLD_MS
        while ((await tx.query({ sql: SELECT_BEHIND, params: [projection, from, to] })).length > 0) {
          if (systemClock.monotonicMs() >= deadlineMs) return 'behind'
          await sleep(systemClock, LOOK_MS)
        }
        // What the new version parks from now on is further than the old one is.
        if ((await tx.query({ sql: SELECT_STANDING_STILL, params: [projection, from, to] })).length > 0) return 'parked'
      }
      await tx.execute({ sql: SET_LIVE, params: [projection, to, from] })
      return 'switched'
    })
  }

  async find(projection: string, key: string) {
    const rows = await this.#database.query<DocumentRow & { live: number }>({ sql: FIND, params: [projection, storable(key)] })
    return { version: rows[0]?.live ?? 0, document: documentsOf(rows)[0] }
  }

  async list(projection: string, { in: list, offset, max }: { in: string; offset: number; max: number }): Promise<ListedDocuments> {
    const rows = await this.#database.query<DocumentRow & { live: number; total: number }>({
      sql: LIST,
      params: [projection, storable(list), max, offset],
    })
    return { version: rows[0]?.live ?? 0, documents: documentsOf(rows), total: rows[0]?.total ?? 0 }
  }
}

function asRow({ key, document, listing, before }: DocumentChange) {
  const content = document === undefined ? {} : { document, list: listing && storable(listing.in), place: listing?.at }
  return { key: storable(key), revision: before?.revision ?? 0, ...content }
}

function parkingOf(model: readonly (string | number)[], { key, parking, before }: ParkingChange): Statement {
  const place = [...model, storable(key)]
  if (parking === undefined) return { sql: DELETE_PARKED, params: [...place, before?.revision ?? 0] }
  const { waiting, attempts, reason, parkedAtMs } = parking
  const params = [...place, waiting[0]!, JSON.stringify(waiting), attempts, storable(reason), parkedAtMs]
  return before === undefined ? { sql: INSERT_PARKED, params } : { sql: UPDATE_PARKED, params: [...params, before.revision] }
}

function parkedDocument({ key, reason, parked_at_ms: parkedAtMs, ...row }: ParkedRow): ParkedDocument {
  return { ...row, key: restored(key), reason: restored(reason), parkedAtMs }
}

async function versionsOf(projection: string, reader: Pick<Transaction, 'query'>, sql: string): Promise<LiveVersions> {
  const [row] = await reader.query<LiveVersions>({ sql, params: [projection] })
  return { live: row?.live ?? 0, previous: row?.previous ?? 0 }
}

function documentsOf(rows: readonly DocumentRow[]): readonly StoredDocument[] {
  return rows.flatMap(({ key, revision, document, list, place }) =>
    key === null
      ? []
      : [{ key: restored(key), document, listing: list === null ? undefined : { in: restored(list), at: place }, revision }],
  )
}
