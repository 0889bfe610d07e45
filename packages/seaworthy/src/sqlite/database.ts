import { AsyncResource } from 'node:async_hooks'
import { mkdirSync, realpathSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import {
  type Clock,
  type Database,
  type Random,
  type Statement,
  ConfigurationError,
  backoffMs,
  exponential,
  observed,
  sleep,
  systemClock,
  systemRandom,
} from 'seaworthy/core'
import { Connection, type SqlConnection } from './connection.ts'
import { SqliteBusyError, SqliteClosedError } from './errors.ts'
import { GroupCommit } from './group-commit.ts'
import type { SqliteTransaction } from './open-transaction.ts'
import { takeOwnership } from './ownership.ts'
import { TransactionTimes } from './transaction-times.ts'

/** What an acknowledged commit survives: a power cut, or only the death of the process. */
export type Durability = 'power-loss' | 'process-crash'

export interface SqliteDatabaseOptions {
  /** The file. It and its folder are created if need be; `<path>.owner` lies beside it. */
  readonly path: string
  /** Default `power-loss`. `process-crash` saves the wait for the disk, and loses the newest commits when the power fails. */
  readonly durability?: Durability
  /** Overwrites what is deleted with zeros. Default false. What the write-ahead log still has of it goes with `emptyWriteAheadLog`. */
  readonly secureDelete?: boolean
  /** Transactions that wait at most. Default 10,000. */
  readonly queueMax?: number
  /** Transactions that share a commit at most. Default 512. */
  readonly batchSizeMax?: number
  /** Prepared statements kept per connection. Default 256. */
  readonly statementsMax?: number
  /** How long a body may take that sets no `timeoutMs` of its own. Default 5,000. */
  readonly transactionTimeoutMs?: number
  /** How long another process may hold the write lock before those who wait are refused. Default 5,000. */
  readonly busyTimeoutMs?: number
  /** How long to wait for a former owner of the file to go. Default 5,000. */
  readonly ownershipWaitMs?: number
  readonly clock?: Clock
  readonly random?: Random
  /** Ends the waits of the opening. */
  readonly signal?: AbortSignal
}

/** An embedded database: a file that this process alone writes. */
export interface SqliteDatabase extends Database {
  readonly dialect: 'sqlite'
  readonly concurrency: 'serial'
  /** The file, as an absolute path. */
  readonly path: string
  transaction<T>(body: (tx: SqliteTransaction) => Promise<T>, options?: { signal?: AbortSignal; timeoutMs?: number }): Promise<T>
}

const transactions = observed('database.transaction')
const queries = observed('database.query')
// Reads that take longer are told.
const SLOW_READ_MS = 5
const BUSY_TIMEOUT_MS = 5_000
const BUSY_RETRY = exponential({ baseMs: 2, maxMs: 100, jitter: 'full' })
// The WAL shrinks to this many bytes once it has been checkpointed.
const WAL_BYTES_MAX = 64 << 20

/**
 * Opens the database and takes the ownership of its file until `close`, or until the process dies.
 * @throws SqliteOwnedError (`database-owned`) when another process has it
 * @throws SqliteCorruptError when the file is no SQLite database
 */
export async function openSqliteDatabase(options: SqliteDatabaseOptions): Promise<SqliteDatabase> {
  const path = filePath(options.path)
  const { clock = systemClock, random = systemRandom } = options
  const ownership = await takeOwnership(path, { clock, random, waitMs: options.ownershipWaitMs ?? 5_000, signal: options.signal })
  try {
    const connections = await openOnceFree(path, options)
    return new EmbeddedDatabase(path, options, { ...connections, release: () => ownership.release() })
  } catch (error) {
    ownership.release()
    throw error
  }
}

/** The connections that an embedded database works on. */
export interface SqliteConnections {
  readonly writer: SqlConnection
  /** Sees committed data only. */
  readonly reader: Pick<SqlConnection, 'all' | 'close'>
  /** Called once the database is closed. */
  readonly release: () => void
}

/** The same database over connections that the caller brings: how a simulation runs it in memory. Everything above the connections is what production runs. */
export function sqliteDatabaseOver(
  connections: SqliteConnections,
  options: Omit<SqliteDatabaseOptions, 'ownershipWaitMs' | 'statementsMax' | 'signal'>,
): SqliteDatabase {
  return new EmbeddedDatabase(options.path, options, connections)
}

/** Whoever reads the file meanwhile, and comes first after its writer was killed, has it alone for as long as it takes to bring the log into order. */
async function openOnceFree(path: string, options: SqliteDatabaseOptions): Promise<Pick<SqliteConnections, 'writer' | 'reader'>> {
  const { clock = systemClock, random = systemRandom, busyTimeoutMs = BUSY_TIMEOUT_MS, signal } = options
  const wait = { clock, random, busyTimeoutMs, startedMs: clock.monotonicMs(), signal }
  for (let attempt = 1; ; attempt++) {
    try {
      return openConnections(path, options)
    } catch (error) {
      await beforeNextTry(error, attempt, wait)
    }
  }
}

interface BusyWait extends Required<Pick<SqliteDatabaseOptions, 'clock' | 'random' | 'busyTimeoutMs'>> {
  readonly startedMs: number
  readonly signal?: AbortSignal | undefined
}

/** @throws the error, unless it says that somebody has the file, for not too long yet */
async function beforeNextTry(
  error: unknown,
  attempt: number,
  { clock, random, busyTimeoutMs, startedMs, signal }: BusyWait,
): Promise<void> {
  if (!(error instanceof SqliteBusyError) || clock.monotonicMs() - startedMs >= busyTimeoutMs) throw error
  await sleep(clock, backoffMs(BUSY_RETRY, attempt, random), signal)
}

function openConnections(path: string, options: SqliteDatabaseOptions): Pick<SqliteConnections, 'writer' | 'reader'> {
  const { durability = 'power-loss', statementsMax = 256 } = options
  const writer = new Connection({ path, readOnly: false, statementsMax })
  try {
    configureWriter(writer, durability)
    if (options.secureDelete === true) writer.first('PRAGMA secure_delete = ON')
    settleLastCommit(writer)
    return { writer, reader: new Connection({ path, readOnly: true, statementsMax }) }
  } catch (error) {
    writer.close()
    throw error
  }
}

/** The one absolute name of a file, so that two spellings of it are one database with one owner. */
function filePath(path: string): string {
  if (path === '' || path === ':memory:' || path.startsWith('file:')) {
    throw new ConfigurationError(`An embedded database is a file; '${path}' is none. Give its path, in a temporary folder for a test.`)
  }
  const absolute = resolve(path)
  mkdirSync(dirname(absolute), { recursive: true })
  try {
    return realpathSync(absolute)
  } catch {
    // Not there yet; its folder is.
    return join(realpathSync(dirname(absolute)), basename(absolute))
  }
}

/** The settings of a connection that writes. */
function configureWriter(connection: Connection, durability: Durability): void {
  const { journal_mode: mode } = connection.first('PRAGMA journal_mode = WAL') ?? {}
  if (mode !== 'wal') {
    throw new ConfigurationError(
      `${connection.path} cannot keep a write-ahead log (it got ${String(mode)}). Put it on a local disk, not on a network share.`,
    )
  }
  connection.first(`PRAGMA synchronous = ${durability === 'power-loss' ? 'FULL' : 'NORMAL'}`)
  if (durability === 'power-loss') {
    // On macOS fsync leaves the data in the drive's cache; elsewhere these two change nothing.
    connection.first('PRAGMA fullfsync = ON')
    connection.first('PRAGMA checkpoint_fullfsync = ON')
  }
  connection.first('PRAGMA foreign_keys = ON')
  connection.first(`PRAGMA journal_size_limit = ${WAL_BYTES_MAX}`)
}

/**
 * Decides about a commit that the owner before this one died in. A process killed between the sync of its write-ahead log and the update of the log's shared index leaves a whole
 * commit that nobody sees as long as another process has the file open, and that comes to light when the log is next read from its start, be it days later. What is
 * written first takes its place; where nobody else had the file open, the log was read from its start already.
 */
function settleLastCommit(writer: Connection): void {
  const { page_count: pages } = writer.first('PRAGMA page_count') ?? {}
  if (pages === 0) return
  try {
    const { user_version: version } = writer.first('PRAGMA user_version') ?? {}
    writer.first(`PRAGMA user_version = ${Number(version)}`)
  } catch (error) {
    // Somebody else writes just now, and so takes that place.
    if (!(error instanceof SqliteBusyError)) throw error
  }
}

class EmbeddedDatabase implements SqliteDatabase {
  readonly dialect = 'sqlite'
  readonly concurrency = 'serial'
  readonly durability: Durability
  readonly path: string
  readonly #connections: SqliteConnections
  readonly #commits: GroupCommit
  readonly #clock: Clock
  readonly #random: Random
  readonly #busyTimeoutMs: number
  #closing: Promise<void> | undefined

  constructor(path: string, options: SqliteDatabaseOptions, connections: SqliteConnections) {
    this.path = path
    this.durability = options.durability ?? 'power-loss'
    this.#connections = connections
    this.#clock = options.clock ?? systemClock
    this.#random = options.random ?? systemRandom
    this.#busyTimeoutMs = options.busyTimeoutMs ?? BUSY_TIMEOUT_MS
    this.#commits = new GroupCommit(connections.writer, {
      clock: this.#clock,
      random: this.#random,
      queueMax: options.queueMax ?? 10_000,
      batchSizeMax: options.batchSizeMax ?? 512,
      timeoutMs: options.transactionTimeoutMs ?? 5_000,
      busyTimeoutMs: this.#busyTimeoutMs,
    })
  }

  transaction<T>(body: (tx: SqliteTransaction) => Promise<T>, options: { signal?: AbortSignal; timeoutMs?: number } = {}): Promise<T> {
    // Taken outside of the operation: what the body causes, an event or a saga, outlives the transaction, and in a trace it hangs on what the caller does.
    const caller = new AsyncResource('SEAWORTHY_TRANSACTION', { requireManualDestroy: true })
    return transactions.run(
      () => ({
        name: `transaction ${basename(this.path)}`,
        kind: 'client',
        attributes: { 'db.system.name': 'sqlite', 'db.namespace': basename(this.path) },
      }),
      (operation) => {
        const times = operation === undefined ? undefined : new TransactionTimes(this.#clock)
        const answer = this.#commits.run({ body, caller, ...options, times })
        return operation === undefined ? answer : answer.finally(() => times?.describe(operation))
      },
    )
  }

  atomically(statements: readonly Statement[]): Promise<readonly { readonly rowCount: number }[]> {
    return this.transaction(async (tx) => {
      const results: { readonly rowCount: number }[] = []
      for (const statement of statements) results.push(await tx.execute(statement))
      return results
    })
  }

  async query<Row extends object>(statement: Statement): Promise<readonly Row[]> {
    const startedMs = this.#clock.monotonicMs()
    for (let attempt = 1; ; attempt++) {
      if (this.#closing !== undefined) throw new SqliteClosedError(this.path)
      try {
        const rows = this.#connections.reader.all<Row>(statement)
        const tookMs = this.#clock.monotonicMs() - startedMs
        if (tookMs >= SLOW_READ_MS) await this.#tellSlowRead(tookMs)
        return rows
      } catch (error) {
        await beforeNextTry(error, attempt, { clock: this.#clock, random: this.#random, busyTimeoutMs: this.#busyTimeoutMs, startedMs })
      }
    }
  }

  /** Afterwards, because hardly any read is worth a span: it took place while nothing else did, and the process's own facts tell of it as CPU. */
  #tellSlowRead(tookMs: number): Promise<void> {
    return queries.run(
      () => ({
        name: `query ${basename(this.path)}`,
        kind: 'client',
        attributes: { 'db.system.name': 'sqlite', 'db.namespace': basename(this.path), 'seaworthy.time.execute_ms': tookMs },
        startedAtMs: this.#clock.now() - tookMs,
      }),
      async () => undefined,
    )
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await this.#commits.close()
    // The last connection to close folds the WAL into the file; a reader cannot.
    this.#connections.reader.close()
    this.#connections.writer.close()
    this.#connections.release()
  }
}
