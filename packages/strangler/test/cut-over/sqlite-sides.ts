import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type CutOverOptions, type Side, cutOverSchema, sqliteSide, startCutOver } from '@seaworthy/strangler/cut-over'
import { type SqliteDatabase, migrate, openSqliteDatabase } from 'seaworthy/sqlite'
import { NEW_TABLES, OLD_TABLES, reviewsMapping } from './reviews.ts'

/** Monolith and new service, each with a file of its own. */
export async function sqliteSides(t: TestContext, { strayWrites }: { strayWrites?: 'alarm' | 'refuse' } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'cut-over-'))
  const open = (name: string) => openSqliteDatabase({ path: join(folder, name), durability: 'process-crash' })
  const databases: { readonly old: SqliteDatabase; readonly new: SqliteDatabase } = { old: await open('old.db'), new: await open('new.db') }
  t.after(async () => {
    await Promise.all([databases.old.close(), databases.new.close()])
    rmSync(folder, { recursive: true })
  })
  await migrate(databases.old, [cutOverSchema, OLD_TABLES])
  await migrate(databases.new, [cutOverSchema, NEW_TABLES])
  const openOld = () => sqliteSide({ mapping: reviewsMapping, side: 'old', database: databases.old, ...(strayWrites && { strayWrites }) })
  const openNew = () => sqliteSide({ mapping: reviewsMapping, side: 'new', database: databases.new })
  const sides = { old: await openOld(), new: await openNew() }
  const start = (options: Partial<CutOverOptions> = {}) => {
    const cutOver = startCutOver({
      mapping: reviewsMapping,
      ...sides,
      ...options,
      limits: { pollMs: 2, copyKeysPerSecondMax: 1e6, ...options.limits },
    })
    t.after(() => cutOver.stop())
    return cutOver
  }
  return { folder, databases, sides, openOld, openNew, start }
}

export const addReview = (database: SqliteDatabase, id: number, stars = 5, body: string | null = `review ${id}`) =>
  database.atomically([
    { sql: 'INSERT INTO reviews (id, product, stars, body) VALUES (?, ?, ?, ?)', params: [id, String(id % 3), stars, body] },
  ])
export const addVote = (database: SqliteDatabase, id: number, review: number, voter: string, up = 1) =>
  database.atomically([{ sql: 'INSERT INTO review_votes (id, review_id, voter, up) VALUES (?, ?, ?, ?)', params: [id, review, voter, up] }])
export const rows = (database: SqliteDatabase, sql: string) => database.query<Record<string, unknown>>({ sql })

/** A side of which some methods are others. */
export function replaced(side: Side, methods: Partial<Side>): Side {
  return new Proxy(side, {
    get: (target, name) => {
      const method: unknown = Reflect.get({ ...methods }, name) ?? Reflect.get(target, name)
      return typeof method === 'function' ? method.bind(target) : method
    },
  })
}
