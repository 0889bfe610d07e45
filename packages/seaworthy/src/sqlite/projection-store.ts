import type { Transaction } from 'seaworthy/core'
import type { LiveVersions, ProjectionStore } from 'seaworthy/projections'
import type { SqliteDatabase } from './database.ts'
import type { SchemaComponent } from './migrate.ts'

/** Tables of {@link sqliteProjectionStore}. */
export const projectionStoreSchema: SchemaComponent = {
  component: 'seaworthy.projections',
  versions: [
    `CREATE TABLE seaworthy_projections (
      projection TEXT NOT NULL,
      version INTEGER NOT NULL,
      checkpoint INTEGER NOT NULL,
      PRIMARY KEY (projection, version)
    ) STRICT, WITHOUT ROWID`,
    `CREATE TABLE seaworthy_live_projections (
      projection TEXT PRIMARY KEY,
      live INTEGER NOT NULL,
      previous INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID`,
  ],
}

// Primary key of seaworthy_projections, in all four.
const SELECT_CHECKPOINT = 'SELECT checkpoint FROM seaworthy_projections WHERE projection = ? AND version = ?'
const INSERT_CHECKPOINT = 'INSERT INTO seaworthy_projections (projection, version, checkpoint) VALUES (?, ?, 0) ON CONFLICT DO NOTHING'
const MOVE_CHECKPOINT = 'UPDATE seaworthy_projections SET checkpoint = ? WHERE projection = ? AND version = ? AND checkpoint = ?'
const DELETE_CHECKPOINT = 'DELETE FROM seaworthy_projections WHERE projection = ? AND version = ?'
// Primary key of seaworthy_live_projections, in all four.
const SELECT_VERSIONS = 'SELECT live, previous FROM seaworthy_live_projections WHERE projection = ?'
const INSERT_LIVE = 'INSERT INTO seaworthy_live_projections (projection, live, previous) VALUES (?, ?, 0) ON CONFLICT DO NOTHING'
const MOVE_LIVE = 'UPDATE seaworthy_live_projections SET live = ?, previous = ? WHERE projection = ? AND live = ?'
const FORGET_PREVIOUS = 'UPDATE seaworthy_live_projections SET previous = 0 WHERE projection = ? AND previous = ?'

/** Checkpoints in an embedded database: that of the read model. */
export function sqliteProjectionStore(database: SqliteDatabase): ProjectionStore {
  return {
    async checkpoint(projection: string, version: number, tx?: Transaction) {
      const [row] = await (tx ?? database).query<{ checkpoint: number }>({ sql: SELECT_CHECKPOINT, params: [projection, version] })
      return row?.checkpoint ?? 0
    },
    async advance(tx, projection, version, { from, to }) {
      if (from === 0) await tx.execute({ sql: INSERT_CHECKPOINT, params: [projection, version] })
      const { rowCount } = await tx.execute({ sql: MOVE_CHECKPOINT, params: [to, projection, version, from] })
      return rowCount === 1
    },
    async versions(projection, tx) {
      const [row] = await (tx ?? database).query<LiveVersions>({ sql: SELECT_VERSIONS, params: [projection] })
      return { live: row?.live ?? 0, previous: row?.previous ?? 0 }
    },
    async makeLive(tx, projection, { from, to }) {
      const moving = from === 0 ? { sql: INSERT_LIVE, params: [projection, to] } : { sql: MOVE_LIVE, params: [to, from, projection, from] }
      return (await tx.execute(moving)).rowCount === 1
    },
    async forget(tx, projection, version) {
      await tx.execute({ sql: DELETE_CHECKPOINT, params: [projection, version] })
      await tx.execute({ sql: FORGET_PREVIOUS, params: [projection, version] })
    },
  }
}
