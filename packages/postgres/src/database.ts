import { AsyncLocalStorage } from 'node:async_hooks'
import type { ClientConfig } from 'pg'
import {
  type Clock,
  type Database,
  type Statement,
  type Transaction,
  type Observed,
  ConfigurationError,
  observed,
  systemClock,
  runAfterCommit,
} from 'seaworthy/core'
import { bodyTimeout, runBatch } from './batch-transaction.ts'
import type { Connection, Placeholders } from './connection.ts'
import { Connections } from './connections.ts'
import { NestedTransactionError, PostgresClosedError } from './errors.ts'
import { type LockAttributionOptions, LockAttribution } from './locks/lock-attribution.ts'
import { LoneStatements } from './lone-statements.ts'
import { type Isolation, type PostgresTransaction, OpenTransaction, ROLLBACK_MS } from './open-transaction.ts'
import { PipelinedTransaction } from './pipelined-transaction.ts'
import { Signals } from './signals.ts'
import { assertAllowed } from './statement-guard.ts'
import { timeFact } from 'seaworthy/trace-analysis'

export interface PostgresDatabaseOptions {
  /** Where it is: a connection string, or what `pg` takes. Behind a pooler, in its session mode: sessions have settings, and listen. */
  readonly connection: string | ClientConfig
  /** Transactions at one time at most. Default 8. */
  readonly transactionsMax?: number
  /** Queries outside transactions at one time at most. Default 4. */
  readonly queriesMax?: number
  /** Transactions, or queries, that wait for one of these places at most. Default 10,000. */
  readonly queueMax?: number
  /** How long one waits for its place at most. Default 5,000. */
  readonly waitMs?: number
  /** How long a body may take that sets no `timeoutMs` of its own. Default 5,000. */
  readonly transactionTimeoutMs?: number
  /** How long a single query may take. Default 30,000. */
  readonly queryTimeoutMs?: number
  /** How long the answer to a COMMIT is waited for. Default 30,000. */
  readonly commitTimeoutMs?: number
  /** Default 5,000. */
  readonly connectTimeoutMs?: number
  /**
   * `question-marks` takes SQLite's `?` and `?1` for parameters, so that statements which both engines understand need to be written once. The operators
   * `?`, `?|` and `?&` are then functions: `jsonb_exists` and its like. Default `numbered`: `$1`.
   */
  readonly placeholders?: Placeholders
  /** How it is found out who held the lock that a statement waited for, while traces are recorded. `false`: not at all. */
  readonly lockAttribution?: LockAttributionOptions | false
  readonly clock?: Clock
}

export interface TransactionOptions {
  readonly signal?: AbortSignal
  readonly timeoutMs?: number
  /** Default `read-committed`. With the others, be ready for SerializationError. */
  readonly isolation?: Isolation
}

/** A database of a PostgreSQL server, over a bounded number of sessions. */
export interface PostgresDatabase extends Database {
  readonly dialect: 'postgres'
  readonly concurrency: 'overlapping'
  /** For people: database, host and port. */
  readonly name: string
  transaction<T>(body: (tx: PostgresTransaction) => Promise<T>, options?: TransactionOptions): Promise<T>
  /**
   * Runs a body that only writes, and then its statements in one transaction and one round trip, COMMIT included. Nothing is sent before the body has ended. It
   * cannot look at answers: queries and numbers of rows are refused with UnsupportedError.
   * @param options `signal`: ends the wait for a place; what was sent by then is stored or not all the same
   * @throws what the first statement that failed says; then nothing was stored
   */
  pipelined<T>(body: (tx: Transaction) => Promise<T>, options?: { readonly signal?: AbortSignal }): Promise<T>
  /** Tells other processes, soon, and at most once for many calls: by NOTIFY, after and outside of transactions. One that is lost is lost. */
  notify(channel: string, payload: string): void
  /** Calls `listener` for what other processes notify. @returns a function that stops it */
  listen(channel: string, listener: (payload: string) => void): () => void
}

const transactions = observed('database.transaction')
const queries = observed('database.query')
// By how much the server outwaits a body: it only ends what this process cannot end any more.
const IDLE_MARGIN_MS = 5_000

/**
 * Opens the database and looks at the server once.
 * @throws UnavailableError when it cannot be reached; ConfigurationError when it refuses, is a replica, or is older than PostgreSQL 14
 */
export async function openPostgresDatabase(options: PostgresDatabaseOptions): Promise<PostgresDatabase> {
  for (const name of ['transactionsMax', 'queriesMax'] as const) {
    const value = options[name]
    if (value !== undefined && !(Number.isInteger(value) && value >= 1)) {
      throw new ConfigurationError(`${name} of a database is a whole number from 1, not ${value}.`)
    }
  }
  const database = new ServerDatabase(options)
  try {
    await database.query({ sql: 'SELECT 1 AS one' })
    return database
  } catch (error) {
    await database.close()
    throw error
  }
}

class ServerDatabase implements PostgresDatabase {
  readonly dialect = 'postgres'
  readonly concurrency = 'overlapping'
  readonly name: string
  readonly #connections: Connections
  readonly #signals: Signals
  readonly #attribution: LockAttribution
  readonly #loneStatements: LoneStatements
  readonly #clock: Clock
  readonly #transactionTimeoutMs: number
  readonly #queryTimeoutMs: number
  readonly #commitTimeoutMs: number
  readonly #inside = new AsyncLocalStorage<OpenTransaction>()
  readonly #inProgress = new Set<Promise<unknown>>()
  #closing: Promise<void> | undefined

  constructor(options: PostgresDatabaseOptions) {
    const config = typeof options.connection === 'string' ? { connectionString: options.connection } : options.connection
    this.name = nameOf(config)
    this.#clock = options.clock ?? systemClock
    this.#transactionTimeoutMs = options.transactionTimeoutMs ?? 5_000
    this.#queryTimeoutMs = options.queryTimeoutMs ?? 30_000
    this.#commitTimeoutMs = options.commitTimeoutMs ?? 30_000
    const { queueMax = 10_000, waitMs = 5_000 } = options
    this.#connections = new Connections({
      config,
      name: this.name,
      transactionsMax: options.transactionsMax ?? 8,
      queriesMax: options.queriesMax ?? 4,
      queueMax,
      waitMs,
      connectTimeoutMs: options.connectTimeoutMs ?? 5_000,
      idleInTransactionMs: this.#transactionTimeoutMs + IDLE_MARGIN_MS,
      placeholders: options.placeholders,
      clock: this.#clock,
    })
    this.#signals = new Signals({ config, clock: this.#clock })
    this.#attribution = new LockAttribution({ config, name: this.name, clock: this.#clock, options: options.lockAttribution ?? {} })
    this.#loneStatements = new LoneStatements((statements) => this.#batch(statements), {
      what: `single statements on ${this.name}`,
      queueMax,
      waitMs,
      clock: this.#clock,
    })
  }

  get durability(): 'power-loss' | 'process-crash' {
    return this.#connections.durability
  }

  async transaction<T>(body: (tx: PostgresTransaction) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    this.#assertOutside()
    return this.#begin(() =>
      this.#use(transactions, 'transaction', options.signal, (connection, applicationName) =>
        this.#run(connection, body, { ...options, applicationName }),
      ),
    )
  }

  async atomically(statements: readonly Statement[]): Promise<readonly { readonly rowCount: number }[]> {
    if (statements.length === 0) return []
    this.#assertOutside()
    return this.#begin(() => this.#batch(statements))
  }

  async pipelined<T>(body: (tx: Transaction) => Promise<T>, { signal }: { readonly signal?: AbortSignal } = {}): Promise<T> {
    const tx = new PipelinedTransaction()
    const value = await body(tx)
    tx.end()
    try {
      this.#assertOutside()
      await this.#begin(() => this.#sendPipelined(tx, signal))
    } catch (error) {
      throw await tx.explained(error)
    }
    for (const effect of tx.effects) runAfterCommit(effect)
    return value
  }

  async query<Row extends object>(statement: Statement): Promise<readonly Row[]> {
    assertAllowed(statement.sql, this.name)
    return this.#begin(() =>
      this.#use(queries, 'query', undefined, async (connection) => {
        const timer = this.#clock.timer(this.#queryTimeoutMs, () => void this.#cancel(connection))
        try {
          return (await connection.run<Row>(statement)).rows
        } finally {
          timer.cancel()
        }
      }),
    )
  }

  async #sendPipelined({ lone, statements }: PipelinedTransaction, signal: AbortSignal | undefined): Promise<void> {
    if (lone !== undefined) await lone.check(await this.#loneStatements.run(lone, signal))
    else if (statements.length > 0) await this.#batch(statements, signal)
  }

  /** Of a group, in the context of one of its callers: who is inside a transaction, or comes too late, was told so before. */
  async #batch(statements: readonly Statement[], signal?: AbortSignal): Promise<readonly { readonly rowCount: number }[]> {
    for (const { sql } of statements) assertAllowed(sql, this.name)
    return this.#use(transactions, 'transaction', signal, (connection) =>
      runBatch(connection, statements, {
        timeoutMs: this.#transactionTimeoutMs,
        commitTimeoutMs: this.#commitTimeoutMs,
        cancel: () => this.#cancel(connection),
        clock: this.#clock,
      }),
    )
  }

  notify(channel: string, payload: string): void {
    if (this.#closing === undefined) this.#signals.notify(channel, payload)
  }

  listen(channel: string, listener: (payload: string) => void): () => void {
    if (this.#closing !== undefined) throw new PostgresClosedError(this.name)
    return this.#signals.listen(channel, listener)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await Promise.allSettled(this.#inProgress)
    await this.#signals.close()
    await this.#attribution.close()
    await this.#connections.close()
  }

  /** Takes part in what `close` waits for. */
  async #begin<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closing !== undefined) throw new PostgresClosedError(this.name)
    const running = work()
    this.#inProgress.add(running)
    try {
      return await running
    } finally {
      this.#inProgress.delete(running)
    }
  }

  /** @throws NestedTransactionError inside the body of a transaction */
  #assertOutside(): void {
    if (this.#inside.getStore()?.open === true) throw new NestedTransactionError(this.name)
  }

  /** Waits for a session, and lets `run` work on it. */
  #use<T>(
    kind: Observed,
    place: 'transaction' | 'query',
    signal: AbortSignal | undefined,
    run: (connection: Connection, applicationName: string | undefined) => Promise<T>,
  ): Promise<T> {
    return kind.run(
      () => ({
        name: `${place} ${this.name}`,
        kind: 'client',
        attributes: { 'db.system.name': 'postgresql', 'db.namespace': this.name },
      }),
      async (operation) => {
        if (operation === undefined) return this.#connections.use(place, signal, (connection) => run(connection, undefined))
        const arrivedMs = this.#clock.monotonicMs()
        const waited = () => (operation.attributes[timeFact.poolWaitMs] = this.#clock.monotonicMs() - arrivedMs)
        let isAdmitted = false
        try {
          return await this.#connections.use(place, signal, (connection) => {
            isAdmitted = true
            waited()
            return this.#attribution.observe(operation, connection, (applicationName) => run(connection, applicationName))
          })
        } finally {
          // All that it did was to wait.
          if (!isAdmitted) waited()
        }
      },
    )
  }

  async #run<T>(
    connection: Connection,
    body: (tx: PostgresTransaction) => Promise<T>,
    options: TransactionOptions & { readonly applicationName: string | undefined },
  ): Promise<T> {
    const { isolation = 'read-committed', timeoutMs = 0, applicationName } = options
    const tx = new OpenTransaction(connection, {
      isolation,
      applicationName,
      idleMs: timeoutMs > this.#transactionTimeoutMs ? timeoutMs + IDLE_MARGIN_MS : undefined,
    })
    let value: T
    try {
      value = await this.#runBody(tx, body, options)
    } catch (error) {
      await this.#rollback(connection, tx)
      throw error
    }
    await tx.commit(this.#commitTimeoutMs)
    for (const effect of tx.effects) runAfterCommit(effect)
    return value
  }

  #runBody<T>(tx: OpenTransaction, body: (tx: PostgresTransaction) => Promise<T>, options: TransactionOptions): Promise<T> {
    const { signal, timeoutMs = this.#transactionTimeoutMs } = options
    return new Promise<T>((resolve, reject) => {
      const settle = (why: string, act: () => void) => {
        if (!tx.open) return
        tx.end(why)
        timer.cancel()
        signal?.removeEventListener('abort', onAbort)
        act()
      }
      const onAbort = () => settle('its caller gave up', () => reject(signal?.reason))
      const timer = this.#clock.timer(timeoutMs, () =>
        settle(`it took longer than ${timeoutMs} ms`, () => reject(bodyTimeout(this.name, timeoutMs))),
      )
      signal?.addEventListener('abort', onAbort, { once: true })
      const fail = (error: unknown) => settle('its body threw', () => reject(error))
      // Called inside an async function, so that a body that throws at once is rolled back too.
      const running = this.#inside.run(tx, async () => body(tx))
      running.then((value) => settle('its body returned', () => resolve(value)), fail)
    })
  }

  /**
   * Takes the transaction back on the server, so that its locks are free when the caller hears of it. If the server does not answer, the session is
   * closed, and the server takes it back when it notices. Never rejects.
   */
  async #rollback(connection: Connection, tx: OpenTransaction): Promise<void> {
    if (!tx.begun) return
    // A cancellation that comes late does no harm: a session that waits for its next statement ignores it.
    if (connection.busy) await this.#cancel(connection)
    await connection.control('ROLLBACK', ROLLBACK_MS).catch(() => undefined)
  }

  async #cancel(connection: Connection): Promise<void> {
    await this.#connections.cancel(connection.pid).catch(() => undefined)
  }
}

/** Database, host and port, without user or password. */
function nameOf(config: ClientConfig): string {
  if (config.connectionString === undefined) {
    return `${config.database ?? config.user ?? 'postgres'} on ${config.host ?? 'localhost'}:${config.port ?? 5432}`
  }
  const url = URL.parse(config.connectionString)
  // pg takes other forms too, such as the path of a Unix socket. What is no URL may have a password anywhere.
  return url === null
    ? 'a PostgreSQL database'
    : `${decodeURIComponent(url.pathname.slice(1)) || url.username} on ${url.host || 'localhost'}`
}
