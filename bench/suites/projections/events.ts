import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { documentProjection } from 'seaworthy/projections'
import { eventStoreSchema, migrateSync } from 'seaworthy/sqlite'

/** What the read model keeps of an account. */
export interface Balance {
  readonly cents: number
  readonly movements: number
  readonly lastAt: string
}

/** What an event says. */
export interface Moved {
  readonly cents: number
  readonly at: string
  readonly note: string
}

export const ACCOUNTS = 10_000

export const balances = (version: number) =>
  documentProjection<Balance, { moved: Moved }>({
    name: 'balances',
    version,
    on: { moved: (balance, { data }) => moved(balance, data) },
  })

export function moved(balance: Balance | undefined, { cents, at }: Moved): Balance {
  return { cents: (balance?.cents ?? 0) + cents, movements: (balance?.movements ?? 0) + 1, lastAt: at }
}

/** A folder that goes with this process. */
export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'seaworthy-bench-'))
  process.once('exit', () => rmSync(path, { recursive: true, force: true }))
  return path
}

/** An event store with so many events of ten thousand accounts, in an order without a pattern. @returns its file */
export function fillEventStore(events: number): string {
  const path = join(folder(), 'events.db')
  const database = new DatabaseSync(path)
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF')
  migrateSync(database, [eventStoreSchema])
  const insert = database.prepare(
    `INSERT INTO seaworthy_events (stream, version, id, type, schema_version, data, context, recorded_at_ms) VALUES (?, ?, ?, 'moved', 1, ?, ?, ?)`,
  )
  database.exec('BEGIN')
  for (let n = 0; n < events; n++) {
    const account = (n * 7_919) % ACCOUNTS
    const data: Moved = { cents: (n % 200) - 80, at: new Date(1.7e12 + n).toISOString(), note: 'As agreed on the telephone' }
    insert.run(
      `account-${account}`,
      Math.floor(n / ACCOUNTS) + 1,
      `event-${n}`,
      JSON.stringify(data),
      '{"correlationId":"bench"}',
      1.7e12 + n,
    )
  }
  database.exec('COMMIT')
  database.close()
  return path
}
