import {
  type PostgresDatabase,
  type PostgresDatabaseOptions,
  lsnAsNumber,
  startLogicalChanges,
  textArray,
  visibility,
} from '@seaworthy/postgres'
import { type Clock, type Transaction, sleep } from 'seaworthy/core'
import type { Capture } from './capture.ts'
import { CaptureBuffer, type CapturedTransaction } from './capture-buffer.ts'
import type { Spelling } from './entity-tables.ts'
import type { Tables } from './mapping.ts'
import type { Gate } from './ownership.ts'
import type { KeyChange, StrayWrite } from './side.ts'

export const MESSAGE_PREFIX = 'seaworthy.cut-over'

const MARK_FEED = `SELECT set_config('seaworthy.feed', $1, true), pg_logical_emit_message(true, '${MESSAGE_PREFIX}', 'feed ' || $1)`
// A transaction of its own, so that whoever reads the log is told of a place after the gate.
const MARK_PLACE = `SELECT pg_logical_emit_message(true, '${MESSAGE_PREFIX}', 'place ' || $1)`
const HEAD = 'SELECT pg_current_wal_insert_lsn()::text AS head'
const SNAPSHOT = 'SELECT pg_current_snapshot()::text AS snapshot'
// Primary keys of both tables.
const GATE = 'SELECT gate, epoch, closed_at, captured_from FROM seaworthy_cut_over WHERE name = $1'
const HELD = "SELECT key FROM seaworthy_cut_over_keys WHERE name = $1 AND kind = 'held' AND key = ANY ($2::text[])"
// Primary key of seaworthy_cut_over_changes, in the next three. The log tells of a transaction again after a broken connection.
const ADD_STRAY = `INSERT INTO seaworthy_cut_over_changes (name, position, place, key, source, operation, stray, epoch)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING`
const STRAYS = `SELECT position, key, source AS "table", operation, stray AS "row", epoch FROM seaworthy_cut_over_changes
  WHERE name = $1 AND position > $2 ORDER BY position, place LIMIT $3 + 0`
const TRIM = `DELETE FROM seaworthy_cut_over_changes WHERE name = $1 AND position <= $2
  AND (SELECT phase FROM seaworthy_cut_over WHERE name = $1) = 'old'`
const LOCK_TIMEOUT = "SELECT set_config('lock_timeout', $1, true)"

const PAUSE_MAX_MS = 50

export interface PostgresCaptureOptions {
  readonly name: string
  readonly tables: Tables
  readonly database: PostgresDatabase
  readonly connection: PostgresDatabaseOptions['connection']
  readonly slot: string
  /** Types of the columns, as `table.column`. */
  readonly types: ReadonlyMap<string, string>
  /** How long closing the gate waits for transactions that write. */
  readonly lockTimeoutMs: number
  readonly clock: Clock
}

// What comes as JavaScript has it, and goes back as it came. Anything else is read as its text, which the column takes again.
const NATIVE: ReadonlySet<string> = new Set([
  'integer',
  'smallint',
  'bigint',
  'boolean',
  'text',
  'character varying',
  'double precision',
  'real',
  'bytea',
])

function postgresSpelling(types: ReadonlyMap<string, string>): Spelling {
  const typeOf = (table: string, column: string) => types.get(`${table}.${column}`)!
  return {
    dialect: 'postgres',
    column: (table, column) => (NATIVE.has(typeOf(table, column)) ? `"${column}"` : `"${column}"::text AS "${column}"`),
    keyIsIn: (table, column, parameter) => `"${column}" = ANY (${parameter}::text[]::${typeOf(table, column)}[])`,
    keys: textArray,
  }
}

/** Own writes by logical replication: a position is a place in the server's log, where commits stand in their order. */
export function postgresCapture(options: PostgresCaptureOptions): Capture {
  return new PostgresCapture(options)
}

interface GateRow {
  readonly gate: Gate
  readonly epoch: number
  readonly closed_at: number
  readonly captured_from: number
}

class PostgresCapture implements Capture {
  readonly spelling: Spelling
  readonly #options: PostgresCaptureOptions
  readonly #buffer: CaptureBuffer
  readonly #changes: ReturnType<typeof startLogicalChanges>

  constructor(options: PostgresCaptureOptions) {
    this.#options = options
    this.spelling = postgresSpelling(options.types)
    this.#buffer = new CaptureBuffer(options.name, options.tables)
    const { connection, slot, clock } = options
    this.#changes = startLogicalChanges({ connection, slot, publication: slot, receiver: this.#buffer, clock })
  }

  async beginFeed(tx: Transaction): Promise<void> {
    await tx.query({ sql: MARK_FEED, params: [this.#options.name] })
  }

  async endFeed(): Promise<void> {
    // Both marks end with the transaction.
  }

  async quiesce(tx: Transaction): Promise<void> {
    const { name, tables, lockTimeoutMs } = this.#options
    await tx.query({ sql: LOCK_TIMEOUT, params: [`${Math.ceil(lockTimeoutMs)}ms`] })
    const list = Object.keys(tables).map((table) => `"${table}"`)
    // Granted once every transaction that has written there is over.
    await tx.execute({ sql: `LOCK TABLE ${list.join(', ')} IN SHARE ROW EXCLUSIVE MODE` })
    await tx.query({ sql: MARK_PLACE, params: [name] })
  }

  async head(tx?: Transaction): Promise<number> {
    const [row] = await (tx ?? this.#options.database).query<{ head: string }>({ sql: HEAD })
    return lsnAsNumber(row!.head)
  }

  changes: Capture['changes'] = async ({ after, max }) => {
    const row = await this.#setStraysAside()
    const strays = await this.#strays({ after, max })
    const isCut = strays.length === max
    const bound = isCut ? strays.at(-1)!.position : Number.POSITIVE_INFINITY
    const page = this.#buffer.after(after, max, bound)
    if (page.changes.length === 0) this.#changes.ask()
    const changes: readonly KeyChange[] = [...strays, ...page.changes].toSorted((one, other) => one.position - other.position)
    return { changes, from: row.captured_from, upTo: Math.max(after, isCut ? bound : page.upTo), all: page.all }
  }

  lag: Capture['lag'] = async ({ after, max }) => {
    await this.#setStraysAside()
    const strays = await this.#strays({ after, max })
    const { changes, firstAtMs } = this.#buffer.lag(after)
    const { clock } = this.#options
    // While it does not hear of changes, there may be any number of them.
    const sinceMs = this.#changes.failure() === undefined ? firstAtMs : Math.min(firstAtMs ?? Infinity, this.#buffer.heardAtMs)
    return { changes: Math.min(max, changes + strays.length), ageMs: sinceMs === undefined ? 0 : Math.max(0, clock.now() - sinceMs) }
  }

  reading: Capture['reading'] = async (upTo, read) => {
    const { database, clock } = this.#options
    for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, PAUSE_MAX_MS)) {
      // What replication tells of may be seen by nobody yet, for as long as the server waits for a standby.
      const result = await database.transaction(
        async (tx) => {
          const [row] = await tx.query<{ snapshot: string }>({ sql: SNAPSHOT })
          if (!this.#buffer.isVisible(upTo, visibility(row!.snapshot))) return undefined
          return { value: await read(tx) }
        },
        { isolation: 'repeatable-read' },
      )
      if (result !== undefined) return result.value
      await sleep(clock, pauseMs)
    }
  }

  async trim(tx: Transaction, upTo: number): Promise<void> {
    await tx.execute({ sql: TRIM, params: [this.#options.name, upTo] })
    tx.afterCommit(() => {
      this.#buffer.forget(upTo)
      this.#changes.acknowledge(upTo)
    })
  }

  async notice(): Promise<void> {
    await this.#setStraysAside()
  }

  async strays(request: { readonly after: number; readonly max: number }): Promise<readonly StrayWrite[]> {
    await this.#setStraysAside()
    return this.#strays(request)
  }

  stop(): Promise<void> {
    return this.#changes.stop()
  }

  /** Writes down what was written although the gate was closed: the log would keep it only as long as nobody reads on. */
  async #setStraysAside(): Promise<GateRow> {
    const { name, database } = this.#options
    const [row] = await database.query<GateRow>({ sql: GATE, params: [name] })
    if (row!.gate === 'open') return row!
    for (const transaction of this.#buffer.after(row!.closed_at, Infinity, Infinity).transactions) {
      const held = row!.gate === 'closed' ? undefined : await this.#heldOf(transaction)
      const rows = transaction.rows.filter(({ key }) => held === undefined || held.has(key))
      // An own write on a key that is not held is a change like any other.
      if (rows.length === 0) continue
      await database.atomically(
        rows.map(({ place, key, table, operation, row: text }) => ({
          sql: ADD_STRAY,
          params: [name, transaction.position, place, key, table, operation, text, row!.epoch],
        })),
      )
      this.#buffer.remove(transaction, held)
    }
    if (row!.gate === 'closed' && this.#buffer.isEmpty) this.#changes.acknowledge(this.#buffer.received)
    return row!
  }

  async #heldOf({ rows }: CapturedTransaction): Promise<ReadonlySet<string>> {
    const params = [this.#options.name, textArray(rows.map(({ key }) => key))]
    return new Set((await this.#options.database.query<{ key: string }>({ sql: HELD, params })).map(({ key }) => key))
  }

  #strays({ after, max }: { readonly after: number; readonly max: number }): Promise<readonly StrayWrite[]> {
    return this.#options.database.query<StrayWrite>({ sql: STRAYS, params: [this.#options.name, after, max] })
  }
}
