import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import { startDocumentProjection } from 'seaworthy/projections'
import { migrate, openSqliteDatabase, readStoreSchema, sqliteEventStore, sqliteReadStore } from 'seaworthy/sqlite'
import type { Contender, Metric } from '../../harness/suite.ts'
import { ACCOUNTS, type Balance, type Moved, balances, fillEventStore, folder, moved } from './events.ts'

const module = import.meta.url
const EVENTS = { quick: 20_000, full: 1_000_000 }
const PAGE = 1_000

/** Both begin with an empty file in each round. */
let round = 0

export const ourRebuild: Contender = async ({ quick }) => {
  const events = quick ? EVENTS.quick : EVENTS.full
  const source = sqliteEventStore(await openSqliteDatabase({ path: fillEventStore(events) }))
  return async () => {
    const database = await openSqliteDatabase({ path: join(folder(), `documents-${++round}.db`) })
    await migrate(database, [readStoreSchema])
    const store = sqliteReadStore(database)
    const startedMs = performance.now()
    const running = startDocumentProjection({ projection: balances(1), source, store })
    while ((await running.lag()).positions > 0) await delay(5)
    const perSecond = (events / (performance.now() - startedMs)) * 1_000
    await running.stop()
    const built = (await store.keys({ projection: 'balances', version: 1 }, { after: '', max: 2 * ACCOUNTS })).length
    await database.close()
    if (built !== ACCOUNTS) throw new Error(`${built} documents were built of ${ACCOUNTS}`)
    return perSecond
  }
}

const CREATE = `CREATE TABLE balances (account TEXT PRIMARY KEY, document TEXT NOT NULL) STRICT;
  CREATE TABLE checkpoint (id INTEGER PRIMARY KEY, position INTEGER NOT NULL) STRICT; INSERT INTO checkpoint VALUES (1, 0)`

/** What somebody writes who knows this one read model: a page of events, what is stored of their accounts, and one commit. */
export const bareRebuild: Contender = async ({ quick }) => {
  const events = quick ? EVENTS.quick : EVENTS.full
  const source = new DatabaseSync(fillEventStore(events))
  const page = source.prepare('SELECT position, stream, data FROM seaworthy_events WHERE position > ? ORDER BY position LIMIT ?')
  return async () => {
    const database = new DatabaseSync(join(folder(), `balances-${++round}.db`))
    database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; ${CREATE}`)
    const select = database.prepare('SELECT document FROM balances WHERE account = ?')
    const upsert = database.prepare('INSERT INTO balances VALUES (?1, ?2) ON CONFLICT (account) DO UPDATE SET document = ?2')
    const advance = database.prepare('UPDATE checkpoint SET position = ?')
    const startedMs = performance.now()
    for (let position = 0; ;) {
      const rows = page.all(position, PAGE) as { position: number; stream: string; data: string }[]
      if (rows.length === 0) break
      const changed = new Map<string, Balance>()
      for (const { stream, data } of rows) {
        const stored = changed.has(stream) ? undefined : (select.get(stream) as { document: string } | undefined)
        const before = changed.get(stream) ?? (stored && (JSON.parse(stored.document) as Balance))
        changed.set(stream, moved(before, JSON.parse(data) as Moved))
      }
      position = rows.at(-1)!.position
      database.exec('BEGIN IMMEDIATE')
      for (const [account, balance] of changed) upsert.run(account, JSON.stringify(balance))
      advance.run(position)
      database.exec('COMMIT')
      await new Promise((resolve) => setImmediate(resolve))
    }
    const perSecond = (events / (performance.now() - startedMs)) * 1_000
    database.close()
    return perSecond
  }
}

export const rebuildMetrics: readonly Metric[] = [
  {
    name: 'rebuild',
    unit: 'events a second',
    better: 'higher',
    peer: 'a bare read-and-write loop',
    target: { ratioMin: 0.5 },
    note: `A million events of ${ACCOUNTS.toLocaleString('en')} accounts, a thousand in each commit, SQLite with synchronous=FULL. The loop knows neither versions nor other writers, lists nothing, and checks nothing.`,
    contenders: { ours: { module, name: 'ourRebuild' }, peer: { module, name: 'bareRebuild' } },
  },
]
