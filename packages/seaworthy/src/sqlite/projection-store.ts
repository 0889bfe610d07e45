import type { Transaction } from 'seaworthy/core'
import type { ProjectionStore } from 'seaworthy/projections'
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
  ],
}

// Primary key of seaworthy_projections, in all three.
const SELECT_CHECKPOINT = 'SELECT checkpoint FROM seaworthy_projections WHERE projection = ? AND version = ?'
const INSERT_CHECKPOINT = 'INSERT INTO seaworthy_projections (projection, version, checkpoint) VALUES (?, ?, 0) ON CONFLICT DO NOTHING'
const MOVE_CHECKPOINT = 'UPDATE seaworthy_projections SET checkpoint = ? WHERE projection = ? AND version = ? AND checkpoint = ?'

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
  }
}
