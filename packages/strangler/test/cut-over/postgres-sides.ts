import type { TestContext } from 'node:test'
import {
  type CutOverOptions,
  type PostgresSideOptions,
  type SideName,
  cutOverPostgresSchema,
  postgresSide,
  startCutOver,
} from '@seaworthy/strangler/cut-over'
import { type PostgresDatabase, migrate, openPostgresDatabase } from '@seaworthy/postgres'
import type { PostgresServer } from '../../../../test/servers/embedded-postgres.ts'
import { reviewsMapping } from './reviews.ts'

const TABLES: Readonly<Record<SideName, string>> = {
  old: `CREATE TABLE reviews (id bigint PRIMARY KEY, product text NOT NULL, stars integer NOT NULL, body text, internal_note text);
    CREATE TABLE review_votes (id bigint PRIMARY KEY, review_id bigint NOT NULL REFERENCES reviews (id), voter text NOT NULL, up integer NOT NULL)`,
  new: `CREATE TABLE review (review_id text PRIMARY KEY, product_id text NOT NULL, rating integer NOT NULL CHECK (rating >= 0), text text, helpful integer NOT NULL);
    CREATE TABLE voter (review_id text NOT NULL REFERENCES review (review_id), vote_id bigint NOT NULL, name text NOT NULL, is_up integer NOT NULL,
      PRIMARY KEY (review_id, vote_id))`,
}

/** Monolith and new service, each with a database of its own on one server. */
export async function postgresSides(
  t: TestContext,
  server: PostgresServer,
  { strayWrites }: Pick<PostgresSideOptions, 'strayWrites'> = {},
) {
  const opened = async (side: SideName) => {
    const { url, name } = await server.createDatabase()
    const database = await openPostgresDatabase({ connection: url, transactionTimeoutMs: 60_000, waitMs: 60_000 })
    await migrate(database, [cutOverPostgresSchema, { component: side, versions: [TABLES[side]] }])
    // Slots are the server's, and tests share it.
    const open = () =>
      postgresSide({
        mapping: reviewsMapping,
        side,
        database,
        connection: url,
        slot: `slot_${name}`,
        lockTimeoutMs: 20_000,
        ...(strayWrites !== undefined && side === 'old' && { strayWrites }),
      })
    return { url, database, open, side: await open() }
  }
  const places = { old: await opened('old'), new: await opened('new') }
  t.after(async () => {
    for (const { side, database } of Object.values(places)) {
      await side.stop()
      await database.close()
    }
  })
  const start = (options: Partial<CutOverOptions> = {}) => {
    const cutOver = startCutOver({
      mapping: reviewsMapping,
      old: places.old.side,
      new: places.new.side,
      ...options,
      limits: { pollMs: 10, copyKeysPerSecondMax: 1e6, switchMaxMs: 30_000, readyAgeMaxMs: 30_000, trimEveryMs: 200, ...options.limits },
    })
    t.after(() => cutOver.stop())
    return cutOver
  }
  return { ...places, start }
}

export const run = (database: PostgresDatabase, sql: string, ...params: (string | number)[]) => database.atomically([{ sql, params }])
