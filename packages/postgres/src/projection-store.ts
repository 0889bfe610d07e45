import type { Transaction } from 'seaworthy/core'
import type { LiveVersions, ProjectionStore } from 'seaworthy/projections'
import type { PostgresDatabase } from './database.ts'
import { librarySchema } from './migrate.ts'
import { prepared } from './prepared.ts'

/** Tables of {@link postgresProjectionStore}. */
export const projectionStoreSchema = librarySchema('seaworthy.projections', 2)

// Primary key of seaworthy_projections, in all four.
const SELECT_CHECKPOINT = prepared('SELECT checkpoint FROM seaworthy_projections WHERE projection = $1 AND version = $2')
const INSERT_CHECKPOINT = 'INSERT INTO seaworthy_projections (projection, version, checkpoint) VALUES ($1, $2, 0) ON CONFLICT DO NOTHING'
// Holds the row until the transaction ends: another runner waits for it, and then finds it moved.
const MOVE_CHECKPOINT = prepared(
  'UPDATE seaworthy_projections SET checkpoint = $1 WHERE projection = $2 AND version = $3 AND checkpoint = $4',
)
const DELETE_CHECKPOINT = 'DELETE FROM seaworthy_projections WHERE projection = $1 AND version = $2'
// Primary key of seaworthy_live_projections, in all four.
const SELECT_VERSIONS = 'SELECT live, previous FROM seaworthy_live_projections WHERE projection = $1'
const INSERT_LIVE = 'INSERT INTO seaworthy_live_projections (projection, live, previous) VALUES ($1, $2, 0) ON CONFLICT DO NOTHING'
const MOVE_LIVE = 'UPDATE seaworthy_live_projections SET live = $1, previous = $2 WHERE projection = $3 AND live = $4'
const FORGET_PREVIOUS = 'UPDATE seaworthy_live_projections SET previous = 0 WHERE projection = $1 AND previous = $2'

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
