import type { Transaction } from 'seaworthy/core'
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
import type { SqliteDatabase } from './database.ts'
import type { SchemaComponent } from './migrate.ts'

/** Tables of {@link sqliteReadStore}. */
export const readStoreSchema: SchemaComponent = {
  component: 'seaworthy.documents',
  versions: [
    `CREATE TABLE seaworthy_documents (
      projection TEXT NOT NULL,
      version INTEGER NOT NULL,
      key TEXT NOT NULL,
      revision INTEGER NOT NULL,
      document TEXT NOT NULL,
      list TEXT,
      place INTEGER,
      UNIQUE (projection, version, key)
    ) STRICT;
    CREATE INDEX seaworthy_documents_by_list ON seaworthy_documents (projection, version, list, place, key) WHERE list IS NOT NULL;
    CREATE TABLE seaworthy_document_checkpoints (
      projection TEXT NOT NULL,
      version INTEGER NOT NULL,
      name TEXT NOT NULL,
      position INTEGER NOT NULL,
      PRIMARY KEY (projection, version, name)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE seaworthy_live_versions (
      projection TEXT PRIMARY KEY,
      live INTEGER NOT NULL,
      previous INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID`,
    `CREATE TABLE seaworthy_parked_documents (
      projection TEXT NOT NULL,
      version INTEGER NOT NULL,
      key TEXT NOT NULL,
      revision INTEGER NOT NULL,
      position INTEGER NOT NULL,
      waiting TEXT NOT NULL,
      attempts INTEGER NOT NULL,
      reason TEXT NOT NULL,
      parked_at_ms INTEGER NOT NULL,
      UNIQUE (projection, version, key)
    ) STRICT`,
  ],
}

// The unique index of seaworthy_parked_documents, in all of these.
const PARKED = 'key, revision, waiting, attempts, reason, parked_at_ms'
const PARKED_AS_JSON = `json_group_array(json_object('key', key, 'revision', revision, 'waiting', waiting, 'attempts', attempts, 'reason', reason,
  'parked_at_ms', parked_at_ms))`
const SELECT_PARKED = `SELECT ${PARKED} FROM seaworthy_parked_documents WHERE projection = ? AND version = ? AND key > ? ORDER BY key LIMIT ? + 0`
const INSERT_PARKED = `INSERT INTO seaworthy_parked_documents (position, waiting, attempts, reason, parked_at_ms, projection, version, key, revision)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1) ON CONFLICT DO NOTHING`
const UPDATE_PARKED = `UPDATE seaworthy_parked_documents
  SET position = ?, waiting = ?, attempts = ?, reason = ?, parked_at_ms = ?, revision = revision + 1
  WHERE projection = ? AND version = ? AND key = ? AND revision = ?`
const DELETE_PARKED = 'DELETE FROM seaworthy_parked_documents WHERE projection = ? AND version = ? AND key = ? AND revision = ?'
const REMOVE_PARKED = 'DELETE FROM seaworthy_parked_documents WHERE projection = ? AND version = ?'
const SELECT_STANDING_STILL = `SELECT 1 FROM seaworthy_parked_documents new LEFT JOIN seaworthy_parked_documents old
    ON old.projection = new.projection AND old.version = ?2 AND old.key = new.key
  WHERE new.projection = ?1 AND new.version = ?3 AND (old.position IS NULL OR new.position < old.position) LIMIT 1`
// Primary key of seaworthy_document_checkpoints; the unique index of seaworthy_documents, a look-up for each key. One statement is one moment. As long as nothing is
// parked, that is asked once.
const LOAD = `SELECT (SELECT position FROM seaworthy_document_checkpoints WHERE projection = ?1 AND version = ?2 AND name = ?3) AS position,
    CASE WHEN EXISTS (SELECT 1 FROM seaworthy_parked_documents WHERE projection = ?1 AND version = ?2) THEN (
      SELECT ${PARKED_AS_JSON} FROM seaworthy_parked_documents
      WHERE projection = ?1 AND version = ?2 AND key IN (SELECT value FROM json_each(?4))) END AS parked,
    d.key, d.revision, d.document, d.list, d.place
  FROM (SELECT 1) LEFT JOIN seaworthy_documents d
    ON d.projection = ?1 AND d.version = ?2 AND d.key IN (SELECT value FROM json_each(?4))`
// Primary key of seaworthy_document_checkpoints, in the next four.
const BEGIN_CHECKPOINT = `INSERT INTO seaworthy_document_checkpoints (projection, version, name, position) VALUES (?, ?, ?, ?)
  ON CONFLICT (projection, version, name) DO UPDATE SET position = excluded.position WHERE position = 0`
const MOVE_CHECKPOINT =
  'UPDATE seaworthy_document_checkpoints SET position = ? WHERE projection = ? AND version = ? AND name = ? AND position = ?'
const SELECT_CHECKPOINTS = 'SELECT name, position FROM seaworthy_document_checkpoints WHERE projection = ? AND version = ?'
const SELECT_BEHIND = `SELECT 1 FROM seaworthy_document_checkpoints old LEFT JOIN seaworthy_document_checkpoints new
    ON new.projection = old.projection AND new.version = ?3 AND new.name = old.name
  WHERE old.projection = ?1 AND old.version = ?2 AND old.position > coalesce(new.position, 0) LIMIT 1`
// The unique index of seaworthy_documents, in the next four.
const INSERT_DOCUMENT = `INSERT INTO seaworthy_documents (document, list, place, projection, version, key, revision)
  VALUES (?, ?, ?, ?, ?, ?, 1) ON CONFLICT DO NOTHING`
const UPDATE_DOCUMENT = `UPDATE seaworthy_documents SET document = ?, list = ?, place = ?, revision = revision + 1
  WHERE projection = ? AND version = ? AND key = ? AND revision = ?`
const DELETE_DOCUMENT = 'DELETE FROM seaworthy_documents WHERE projection = ? AND version = ? AND key = ? AND revision = ?'
const SELECT_KEYS = 'SELECT key FROM seaworthy_documents WHERE projection = ? AND version = ? AND key > ? ORDER BY key LIMIT ? + 0'
// Primary key of seaworthy_live_versions, in the next three.
const SELECT_VERSIONS = 'SELECT live, previous FROM seaworthy_live_versions WHERE projection = ?'
const SET_LIVE = `INSERT INTO seaworthy_live_versions (projection, live, previous) VALUES (?, ?, ?)
  ON CONFLICT (projection) DO UPDATE SET live = excluded.live, previous = excluded.previous`
const FORGET_PREVIOUS = 'UPDATE seaworthy_live_versions SET previous = 0 WHERE projection = ? AND previous = ?'
// Primary key of seaworthy_live_versions, then the unique index of seaworthy_documents.
const FIND = `SELECT l.live, d.key, d.revision, d.document, d.list, d.place FROM seaworthy_live_versions l
  LEFT JOIN seaworthy_documents d ON d.projection = l.projection AND d.version = l.live AND d.key = ?2 WHERE l.projection = ?1`
// Primary key of seaworthy_live_versions, then a range of seaworthy_documents_by_list, read backwards, and its count.
const LIST = `SELECT l.live, d.key, d.revision, d.document, d.list, d.place,
    (SELECT count(*) FROM seaworthy_documents WHERE projection = ?1 AND version = l.live AND list = ?2) AS total
  FROM seaworthy_live_versions l LEFT JOIN (
    SELECT key, revision, document, list, place FROM seaworthy_documents
    WHERE projection = ?1 AND version = (SELECT live FROM seaworthy_live_versions WHERE projection = ?1) AND list = ?2
    ORDER BY place DESC, key DESC LIMIT ?3 + 0 OFFSET ?4 + 0) d WHERE l.projection = ?1`
// The unique index of seaworthy_documents, a range; primary key of seaworthy_document_checkpoints, a range.
const REMOVE_DOCUMENTS = `DELETE FROM seaworthy_documents WHERE rowid IN (
  SELECT rowid FROM seaworthy_documents WHERE projection = ? AND version = ? LIMIT ?)`
const REMOVE_CHECKPOINTS = 'DELETE FROM seaworthy_document_checkpoints WHERE projection = ? AND version = ?'
// Other writers take their turn between batches.
const REMOVE_BATCH_SIZE = 1_000

interface ParkedRow {
  readonly key: string
  readonly revision: number
  readonly waiting: string
  readonly attempts: number
  readonly reason: string
  readonly parked_at_ms: number
}

interface DocumentRow {
  readonly key: string | null
  readonly revision: number
  readonly document: string
  readonly list: string | null
  readonly place: number
}

/** Read models as documents in an embedded database. */
export function sqliteReadStore(database: SqliteDatabase): ReadStore {
  return new SqliteReadStore(database)
}

/** Rolls a transaction back whose writer was overtaken. Never leaves this file. */
class Overtaken extends Error {}

class SqliteReadStore implements ReadStore {
  readonly #database: SqliteDatabase

  constructor(database: SqliteDatabase) {
    this.#database = database
  }

  async load(
    { projection, version }: ModelVersion,
    { checkpoint, keys }: { checkpoint: string; keys: readonly string[] },
  ): Promise<Loaded> {
    const rows = await this.#database.query<DocumentRow & { position: number | null; parked: string | null }>({
      sql: LOAD,
      params: [projection, version, checkpoint, JSON.stringify(keys)],
    })
    const parked = JSON.parse(rows[0]?.parked ?? '[]') as readonly ParkedRow[]
    return {
      position: rows[0]?.position ?? 0,
      documents: new Map(documentsOf(rows).map((document) => [document.key, document])),
      parked: new Map(parked.map((row) => [row.key, parkedDocument(row)])),
    }
  }

  async write(of: ModelVersion, { checkpoint, from, to, changes, parking = [] }: DocumentWrite): Promise<boolean> {
    try {
      await this.#database.transaction(async (tx) => {
        const { projection, version } = of
        const moving =
          from === 0
            ? { sql: BEGIN_CHECKPOINT, params: [projection, version, checkpoint, to] }
            : { sql: MOVE_CHECKPOINT, params: [to, projection, version, checkpoint, from] }
        assertOne(await tx.execute(moving))
        for (const change of changes) assertOne(await tx.execute(changing(of, change)))
        for (const change of parking) assertOne(await tx.execute(parkingOf(of, change)))
      })
      return true
    } catch (error) {
      if (error instanceof Overtaken) return false
      throw error
    }
  }

  async checkpoints({ projection, version }: ModelVersion): Promise<ReadonlyMap<string, number>> {
    const rows = await this.#database.query<{ name: string; position: number }>({ sql: SELECT_CHECKPOINTS, params: [projection, version] })
    return new Map(rows.map(({ name, position }) => [name, position]))
  }

  async keys({ projection, version }: ModelVersion, { after, max }: { after: string; max: number }): Promise<readonly string[]> {
    const rows = await this.#database.query<{ key: string }>({ sql: SELECT_KEYS, params: [projection, version, after, max] })
    return rows.map(({ key }) => key)
  }

  async parked({ projection, version }: ModelVersion, { after, max }: { after: string; max: number }): Promise<readonly ParkedDocument[]> {
    return (await this.#database.query<ParkedRow>({ sql: SELECT_PARKED, params: [projection, version, after, max] })).map(parkedDocument)
  }

  async remove({ projection, version }: ModelVersion): Promise<boolean> {
    for (;;) {
      const left = await this.#database.transaction(async (tx) => {
        const { live } = await versionsOf(projection, tx)
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
    return versionsOf(projection, this.#database)
  }

  makeLive(
    projection: string,
    { from, to, evenIfBehind = false }: { from: number; to: number; evenIfBehind?: boolean },
  ): Promise<SwitchOutcome> {
    return this.#database.transaction(async (tx) => {
      const { live } = await versionsOf(projection, tx)
      if (live !== from) return 'moved'
      if (!evenIfBehind) {
        const params = [projection, from, to]
        if ((await tx.query({ sql: SELECT_BEHIND, params })).length > 0) return 'behind'
        if ((await tx.query({ sql: SELECT_STANDING_STILL, params })).length > 0) return 'parked'
      }
      await tx.execute({ sql: SET_LIVE, params: [projection, to, from] })
      return 'switched'
    })
  }

  async find(projection: string, key: string) {
    const rows = await this.#database.query<DocumentRow & { live: number }>({ sql: FIND, params: [projection, key] })
    return { version: rows[0]?.live ?? 0, document: documentsOf(rows)[0] }
  }

  async list(projection: string, { in: list, offset, max }: { in: string; offset: number; max: number }): Promise<ListedDocuments> {
    const rows = await this.#database.query<DocumentRow & { live: number; total: number }>({
      sql: LIST,
      params: [projection, list, max, offset],
    })
    return { version: rows[0]?.live ?? 0, documents: documentsOf(rows), total: rows[0]?.total ?? 0 }
  }
}

function changing({ projection, version }: ModelVersion, { key, document, listing, before }: DocumentChange) {
  if (document === undefined) return { sql: DELETE_DOCUMENT, params: [projection, version, key, before?.revision ?? 0] }
  const content = [JSON.stringify(document), listing?.in ?? null, listing?.at ?? null]
  return before === undefined
    ? { sql: INSERT_DOCUMENT, params: [...content, projection, version, key] }
    : { sql: UPDATE_DOCUMENT, params: [...content, projection, version, key, before.revision] }
}

function parkingOf({ projection, version }: ModelVersion, { key, parking, before }: ParkingChange) {
  if (parking === undefined) return { sql: DELETE_PARKED, params: [projection, version, key, before?.revision ?? 0] }
  const { waiting, attempts, reason, parkedAtMs } = parking
  const params = [waiting[0]!, JSON.stringify(waiting), attempts, reason, parkedAtMs, projection, version, key]
  return before === undefined ? { sql: INSERT_PARKED, params } : { sql: UPDATE_PARKED, params: [...params, before.revision] }
}

function parkedDocument({ parked_at_ms: parkedAtMs, waiting, ...row }: ParkedRow): ParkedDocument {
  return { ...row, waiting: JSON.parse(waiting) as number[], parkedAtMs }
}

function assertOne({ rowCount }: { readonly rowCount: number }): void {
  if (rowCount !== 1) throw new Overtaken()
}

async function versionsOf(projection: string, reader: Pick<Transaction, 'query'>): Promise<LiveVersions> {
  const [row] = await reader.query<LiveVersions>({ sql: SELECT_VERSIONS, params: [projection] })
  return { live: row?.live ?? 0, previous: row?.previous ?? 0 }
}

function documentsOf(rows: readonly DocumentRow[]): readonly StoredDocument[] {
  return rows.flatMap(({ key, revision, document, list, place }) =>
    key === null
      ? []
      : [{ key, document: JSON.parse(document) as unknown, listing: list === null ? undefined : { in: list, at: place }, revision }],
  )
}
