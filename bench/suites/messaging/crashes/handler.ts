import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EventEnvelope } from 'seaworthy/messaging'
import { inbox } from 'seaworthy/outbox'
import { inboxStoreSchema, migrate, openSqliteDatabase, sqliteInboxStore } from 'seaworthy/sqlite'
import { TOPIC } from './wire.ts'

const CREATE_EFFECTS = 'CREATE TABLE effects (place INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL, sequence INTEGER NOT NULL) STRICT'
const INSERT_EFFECT = 'INSERT INTO effects (key, sequence) VALUES (?, ?)'
const SELECT_EFFECTS = 'SELECT place, key, sequence FROM effects WHERE place > ? ORDER BY place LIMIT 50000'

/** What came of the effects, in the order in which they were committed. */
export interface Effects {
  /** Different numbers of each key. */
  readonly handled: ReadonlyMap<string, number>
  /** Effects with a number at or below the last one of their key. */
  readonly regressed: number
}

/** A service at the other end: an inbox, and one row for each effect in the same transaction. */
export async function openHandler() {
  const directory = mkdtempSync(join(tmpdir(), 'seaworthy-bench-'))
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
  // This process is not killed, and nobody cuts its power.
  const database = await openSqliteDatabase({ path: join(directory, 'handler.db'), durability: 'process-crash' })
  await migrate(database, [{ component: 'effects', versions: [CREATE_EFFECTS] }, inboxStoreSchema])
  const attempt = { topic: TOPIC, attempt: 1, outOfOrder: false, signal: new AbortController().signal, timeoutMs: 30_000 }
  const handle = inbox({ database, store: sqliteInboxStore(database), consumer: 'bench' }).handle(async ({ key, sequence }, tx) => {
    await tx.execute({ sql: INSERT_EFFECT, params: [key, sequence] })
  })
  const inProgress = new Set<Promise<unknown>>()
  let received = 0

  /** Handles what came in one append: keys side by side, those of one key in their order. */
  const receive = async (events: readonly EventEnvelope[]): Promise<void> => {
    received += events.length
    const ofKey = Map.groupBy(events, ({ key }) => key)
    const handling = Promise.all(
      [...ofKey.values()].map(async (inOrder) => {
        for (const event of inOrder) await handle(event, attempt)
      }),
    )
    inProgress.add(handling)
    await handling
    inProgress.delete(handling)
  }

  /** Once everything that was received is handled. */
  const effects = async (): Promise<Effects> => {
    await Promise.all(inProgress)
    const last = new Map<string, number>()
    const handled = new Map<string, number>()
    let regressed = 0
    for (let after = 0; ;) {
      const rows = await database.query<{ place: number; key: string; sequence: number }>({ sql: SELECT_EFFECTS, params: [after] })
      if (rows.length === 0) return { handled, regressed }
      for (const { place, key, sequence } of rows) {
        after = place
        if (sequence <= (last.get(key) ?? 0)) {
          regressed++
          continue
        }
        last.set(key, sequence)
        handled.set(key, (handled.get(key) ?? 0) + 1)
      }
    }
  }
  return { receive, effects, received: () => received, close: () => database.close() }
}
