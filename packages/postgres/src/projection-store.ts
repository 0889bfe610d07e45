import type { Transaction } from 'seaworthy/core'
import type { ProjectionStore } from 'seaworthy/projections'
import type { PostgresDatabase } from './database.ts'
import { librarySchema } from './migrate.ts'
import { prepared } from './prepared.ts'

/** Tables of {@link postgresProjectionStore}. */
export const projectionStoreSchema = librarySchema('seaworthy.projections', 1)

// Primary key of seaworthy_projections, in all three.
const SELECT_CHECKPOINT = prepared('SELECT checkpoint FROM seaworthy_projections WHERE projection = $1 AND version = $2')
const INSERT_CHECKPOINT = 'INSERT INTO seaworthy_projections (projection, version, checkpoint) VALUES ($1, $2, 0) ON CONFLICT DO NOTHING'
// Holds the row until the transaction ends: another runner waits for it, and then finds it moved.
const MOVE_CHECKPOINT = prepared(
  'UPDATE seaworthy_projections SET checkpoint = $1 WHERE projection = $2 AND version = $3 AND checkpoint = $4',
)

/** Checkpoints in a PostgreSQL database: that of the read model. */
export function postgresProjectionStore(database: PostgresDatabase): ProjectionStore {
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
