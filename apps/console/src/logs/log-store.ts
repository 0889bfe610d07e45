import { type Clock, type SqlValue, systemClock } from 'seaworthy/core'
import { type SqliteDatabase, migrate, openSqliteDatabase } from 'seaworthy/sqlite'
import type { LogRow } from './log-row.ts'
import { logSchema } from './schema.ts'

export interface LogStoreOptions {
  /** The SQLite file. */
  readonly path: string
  /** Bytes that logs may take in the file. Default 128 MiB. */
  readonly bytesMax?: number
  /** How long a record is kept, in milliseconds. Default 7 days. */
  readonly ageMaxMs?: number
  readonly clock?: Clock
}

export interface LogFilter {
  readonly limit: number
  readonly service?: string | undefined
  /** At least as severe. */
  readonly severityMin?: number | undefined
  readonly traceId?: string | undefined
  readonly spanId?: string | undefined
  readonly correlationId?: string | undefined
  /** Words that all stand in the record; each may be the beginning of one. */
  readonly text?: string | undefined
  /** Only records that arrived before this one. */
  readonly before?: number | undefined
}

export interface StoredLog extends LogRow {
  readonly id: number
}

/** How far a file has been read. */
export interface FilePosition {
  readonly name: string
  readonly inode: number
  readonly offset: number
}

const DAY_MS = 86_400_000
/** Records deleted in one transaction. */
const TRIM_BATCH = 500
const WORDS_MAX = 16

const INSERT = `INSERT INTO log (time_us, service, instance, severity, trace_id, span_id, correlation_id, message, body)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`
const INSERT_TEXT = 'INSERT INTO log_text (rowid, message, body) VALUES (?, ?, ?)'
const UPSERT_FILE = `INSERT INTO log_file (name, inode, offset) VALUES (?, ?, ?)
  ON CONFLICT (name) DO UPDATE SET inode = excluded.inode, offset = excluded.offset`
const SELECT_FILES = 'SELECT name, inode, offset FROM log_file'
const COUNT = 'SELECT count(*) AS records FROM log'
/** Reads the file's header. */
const SELECT_USED_BYTES = `SELECT (page_count - freelist_count) * page_size AS bytes
  FROM pragma_page_count, pragma_freelist_count, pragma_page_size`
// Primary key of log, from its beginning. Times of arrival grow with the ids but for the clocks of senders.
const SELECT_OLDEST = 'SELECT id, time_us FROM log ORDER BY id LIMIT ? + 0'
// Primary keys of log and of log_text.
const DELETE_UP_TO = ['log_text WHERE rowid', 'log WHERE id'].map((where) => `DELETE FROM ${where} <= ?`)

const COLUMNS = `id, time_us AS timeUs, service, instance, severity, trace_id AS traceId, span_id AS spanId,
  correlation_id AS correlationId, message, log.body AS body`

/** Log records in one SQLite file, within limits of bytes and age. */
export class LogStore {
  readonly #database: SqliteDatabase
  readonly #clock: Clock
  readonly #limits: { readonly bytesMax: number; readonly ageMaxMs: number }
  readonly #trimmed = { size: 0, age: 0 }
  #records = 0

  private constructor(database: SqliteDatabase, options: LogStoreOptions) {
    this.#database = database
    this.#clock = options.clock ?? systemClock
    this.#limits = { bytesMax: options.bytesMax ?? 128 << 20, ageMaxMs: options.ageMaxMs ?? 7 * DAY_MS }
  }

  static async open(options: LogStoreOptions): Promise<LogStore> {
    // As for traces: a power cut costs the newest.
    const database = await openSqliteDatabase({ path: options.path, durability: 'process-crash' })
    const store = new LogStore(database, options)
    try {
      await migrate(database, [logSchema])
      const [row] = await database.query<{ records: number }>({ sql: COUNT })
      store.#records = row?.records ?? 0
    } catch (error) {
      await database.close()
      throw error
    }
    return store
  }

  get records(): number {
    return this.#records
  }

  /** Records that were deleted to keep within the limits, since the start. */
  get trimmed(): { readonly size: number; readonly age: number } {
    return { ...this.#trimmed }
  }

  /** Stores records, and with them how far the files were read that they come from. */
  async write(
    rows: readonly LogRow[],
    positions: readonly FilePosition[] = [],
  ): Promise<{ readonly stored: number; readonly dropped: number }> {
    await this.#database.transaction(async (tx) => {
      for (const row of rows) {
        const { timeUs, service, instance, severity, traceId, spanId, correlationId, message, body } = row
        const params = [timeUs, service, instance, severity, traceId, spanId, correlationId, message, body]
        const [inserted] = await tx.query<{ id: number }>({ sql: INSERT, params })
        await tx.execute({ sql: INSERT_TEXT, params: [inserted!.id, message, body] })
      }
      for (const { name, inode, offset } of positions) await tx.execute({ sql: UPSERT_FILE, params: [name, inode, offset] })
    })
    this.#records += rows.length
    return { stored: rows.length, dropped: 0 }
  }

  /** How far each file was read. */
  positions(): Promise<readonly FilePosition[]> {
    return this.#database.query<FilePosition>({ sql: SELECT_FILES })
  }

  /** Those that match, the last to arrive first. */
  list(filter: LogFilter): Promise<readonly StoredLog[]> {
    const { sql, params } = selectLogs(filter)
    return this.#database.query<StoredLog>({ sql, params })
  }

  async isFull(): Promise<boolean> {
    const [used] = await this.#database.query<{ bytes: number }>({ sql: SELECT_USED_BYTES })
    return used!.bytes > this.#limits.bytesMax
  }

  /** Deletes a few of the oldest beyond the limits. @returns whether there was something */
  async prune(): Promise<boolean> {
    const isFull = await this.isFull()
    const oldestUs = (this.#clock.now() - this.#limits.ageMaxMs) * 1_000
    const deleted = await this.#database.transaction(async (tx) => {
      const oldest = await tx.query<{ id: number; time_us: number }>({ sql: SELECT_OLDEST, params: [TRIM_BATCH] })
      // By age up to the first that is young: a sender whose clock is ahead does not keep others for ever, because room ends too.
      const young = isFull ? -1 : oldest.findIndex(({ time_us }) => time_us >= oldestUs)
      const going = young === -1 ? oldest : oldest.slice(0, young)
      const last = going.at(-1)
      if (last === undefined) return 0
      for (const statement of DELETE_UP_TO) await tx.execute({ sql: statement, params: [last.id] })
      return going.length
    })
    this.#records -= deleted
    this.#trimmed[isFull ? 'size' : 'age'] += deleted
    return deleted > 0
  }

  close(): Promise<void> {
    return this.#database.close()
  }
}

/**
 * The most selective index leads, and each is walked backwards until enough match: the words' (log_text), log_by_trace, log_by_correlation,
 * log_by_service, log_by_warning, or the primary key.
 */
function selectLogs(filter: LogFilter): { readonly sql: string; readonly params: readonly SqlValue[] } {
  const words = ftsQuery(filter.text)
  const conditions: string[] = []
  const params: SqlValue[] = []
  const add = (condition: string, value: SqlValue | undefined): void => {
    if (value === undefined) return
    conditions.push(condition)
    params.push(value)
  }
  add('log_text MATCH ?', words)
  add('trace_id = ?', filter.traceId)
  add('span_id = ?', filter.spanId)
  add('correlation_id = ?', filter.correlationId)
  add('service = ?', filter.service)
  if ((filter.severityMin ?? 0) >= 13) conditions.push('severity >= 13')
  add('severity >= ?', filter.severityMin)
  add(`${words === undefined ? 'id' : 'log_text.rowid'} < ?`, filter.before)
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`
  const from = words === undefined ? 'log' : 'log_text JOIN log ON log.id = log_text.rowid'
  const order = words === undefined ? 'id' : 'log_text.rowid'
  return {
    sql: `SELECT ${words === undefined ? COLUMNS : COLUMNS.replaceAll(/\bmessage\b/g, 'log.message AS message')} FROM ${from} ${where} ORDER BY ${order} DESC LIMIT ?`,
    params: [...params, filter.limit],
  }
}

/** Words as FTS5 asks for them: each between quotes, so that nothing in them is an operator, and the beginning of a word counts. */
export function ftsQuery(text: string | undefined): string | undefined {
  const words = (text ?? '').split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word))
  if (words.length === 0) return undefined
  return words
    .slice(0, WORDS_MAX)
    .map((word) => `"${word.replaceAll('"', '""')}"*`)
    .join(' ')
}
