import type { Transaction } from 'seaworthy/core'
import type {
  DocumentChange,
  DocumentWrite,
  ListedDocuments,
  LiveVersions,
  Loaded,
  ModelVersion,
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
  ],
}

// Primary key of seaworthy_document_checkpoints; the unique index of seaworthy_documents, a look-up for each key. One statement is one moment.
const LOAD = `SELECT (SELECT position FROM seaworthy_document_checkpoints WHERE projection = ?1 AND version = ?2 AND name = ?3) AS position,
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
    const rows = await this.#database.query<DocumentRow & { position: number | null }>({
      sql: LOAD,
      params: [projection, version, checkpoint, JSON.stringify(keys)],
    })
    return { position: rows[0]?.position ?? 0, documents: new Map(documentsOf(rows).map((document) => [document.key, document])) }
  }

  async write(of: ModelVersion, { checkpoint, from, to, changes }: DocumentWrite): Promise<boolean> {
    try {
      await this.#database.transaction(async (tx) => {
        const { projection, version } = of
        const moving =
          from === 0
            ? { sql: BEGIN_CHECKPOINT, params: [projection, version, checkpoint, to] }
            : { sql: MOVE_CHECKPOINT, params: [to, projection, version, checkpoint, from] }
        assertOne(await tx.execute(moving))
        for (const change of changes) assertOne(await tx.execute(changing(of, change)))
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

  async remove({ projection, version }: ModelVersion): Promise<boolean> {
    for (;;) {
      const left = await this.#database.transaction(async (tx) => {
        const { live } = await versionsOf(projection, tx)
        if (live === version) return 'live'
        await tx.execute({ sql: FORGET_PREVIOUS, params: [projection, version] })
        const { rowCount } = await tx.execute({ sql: REMOVE_DOCUMENTS, params: [projection, version, REMOVE_BATCH_SIZE] })
        if (rowCount === REMOVE_BATCH_SIZE) return 'some'
        await tx.execute({ sql: REMOVE_CHECKPOINTS, params: [projection, version] })
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
      if (!evenIfBehind && (await tx.query({ sql: SELECT_BEHIND, params: [projection, from, to] })).length > 0) return 'behind'
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
