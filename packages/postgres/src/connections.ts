import { type ClientConfig, type PoolClient, Pool } from 'pg'
import { type Clock, ConfigurationError, UnavailableError, tracedService } from 'seaworthy/core'
import { Admission } from './admission.ts'
import { type Placeholders, Connection } from './connection.ts'
import { isConnectionLoss, typed } from './errors.ts'
import { GatheringSocket } from './gathering-socket.ts'
import { holdersOn } from './locks/holders.ts'
import { rowTypes } from './values.ts'

export interface ConnectionsOptions {
  readonly config: ClientConfig
  readonly name: string
  readonly transactionsMax: number
  readonly queriesMax: number
  readonly queueMax: number
  readonly waitMs: number
  readonly connectTimeoutMs: number
  /** How long a session may sit in an open transaction before the server ends it, in milliseconds. */
  readonly idleInTransactionMs: number
  readonly placeholders: Placeholders | undefined
  readonly clock: Clock
}

interface SessionRow {
  readonly pid: number
  readonly server: string
  readonly version: number
  readonly replica: boolean
  readonly fsync: string
}

const OLDEST_VERSION = 140_000
// Sessions read only unless a transaction says otherwise, so that query() cannot write. A COMMIT waits for the server's disk even where
// the role's default is not to: acknowledged means stored. What is sent as one batch has the isolation that a BEGIN would have given it. A process that stands still must not hold locks for ever.
const CONFIGURE_SESSION = `SELECT pg_backend_pid() AS pid, pg_postmaster_start_time()::text AS server, current_setting('server_version_num')::int AS version, pg_is_in_recovery() AS replica,
  current_setting('fsync') AS fsync,
  set_config('default_transaction_read_only', 'on', false),
  set_config('default_transaction_isolation', 'read committed', false),
  set_config('idle_in_transaction_session_timeout', $1, false),
  set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, false)`
// How long a cancellation may take, before whoever waits for it goes on without.
const CANCEL_MS = 2_000
const CANCEL = 'SELECT pg_cancel_backend($1)'

/** The sessions of one process with one database: a bounded number, with places apart for transactions and for single queries. */
export class Connections {
  readonly #options: ConnectionsOptions
  readonly #pool: Pool
  /** By which the server knows each. */
  readonly #sessions = new WeakMap<PoolClient, Pick<SessionRow, 'pid' | 'server'>>()
  readonly #transactions: Admission
  readonly #queries: Admission
  #durability: 'power-loss' | 'process-crash' = 'power-loss'

  constructor(options: ConnectionsOptions) {
    this.#options = options
    const { name, transactionsMax, queriesMax, queueMax, waitMs, clock } = options
    this.#pool = new Pool({
      application_name: tracedService() ?? 'seaworthy',
      keepAlive: true,
      stream: () => new GatheringSocket(),
      ...options.config,
      types: rowTypes,
      pipeline: true,
      // One more than the places: a cancellation waits for nobody.
      max: transactionsMax + queriesMax + 1,
      connectionTimeoutMillis: options.connectTimeoutMs,
      idleTimeoutMillis: 30_000,
    })
    // The pool takes a session that broke while idle out by itself; a session in use tells by its statement.
    this.#pool.on('error', () => undefined)
    this.#pool.on('connect', (client) => void client.on('error', () => undefined))
    this.#pool.on('remove', (client) => {
      const session = this.#sessions.get(client)
      if (session !== undefined) holdersOn(session.server).delete(session.pid)
    })
    // A query inside the body of a transaction would wait for ever for the place of a transaction that waits for it, if they shared them.
    this.#transactions = new Admission({ what: `transactions on ${name}`, placesMax: transactionsMax, queueMax, waitMs, clock })
    this.#queries = new Admission({ what: `queries on ${name}`, placesMax: queriesMax, queueMax, waitMs, clock })
  }

  /** What an acknowledged commit survives, as the first session found the server. */
  get durability(): 'power-loss' | 'process-crash' {
    return this.#durability
  }

  /** Runs `work` on a session of its own. @throws LimitExceededError, UnavailableError, or the signal's reason: `work` then did not run */
  async use<T>(place: 'transaction' | 'query', signal: AbortSignal | undefined, work: (connection: Connection) => Promise<T>): Promise<T> {
    const leave = await (place === 'transaction' ? this.#transactions : this.#queries).enter(signal)
    try {
      const connection = await this.#connect()
      try {
        signal?.throwIfAborted()
        return await work(connection)
      } finally {
        connection.release()
      }
    } finally {
      leave()
    }
  }

  /** Asks the server to end the statement that a session runs. It may have ended by then. */
  async cancel(pid: number): Promise<void> {
    const connection = await this.#connect()
    try {
      await connection.run({ sql: CANCEL, params: [pid] }, CANCEL_MS)
    } finally {
      connection.release()
    }
  }

  async close(): Promise<void> {
    await this.#pool.end()
  }

  async #connect(): Promise<Connection> {
    const { name, placeholders } = this.#options
    const client = await this.#pool.connect().catch((error: unknown) => {
      // Before a session there is nothing to lose; a refused password or an unknown database is a mistake in the configuration.
      throw isConnectionLoss(error) && !isRefusal(error)
        ? new UnavailableError(`${name} cannot be reached: ${String(error)}. Is the server up?`, { cause: error })
        : typedRefusal(error, name)
    })
    const known = this.#sessions.get(client)
    if (known !== undefined) return new Connection(client, { name, ...known, placeholders })
    try {
      const { pid, server } = await this.#configure(client)
      this.#sessions.set(client, { pid, server })
      return new Connection(client, { name, pid, server, placeholders })
    } catch (error) {
      client.release(true)
      throw error
    }
  }

  async #configure(client: PoolClient): Promise<SessionRow> {
    const { name, idleInTransactionMs, connectTimeoutMs } = this.#options
    const configuring = new Connection(client, { name, pid: 0, server: '' })
    const { rows } = await configuring.run<SessionRow>(
      { sql: CONFIGURE_SESSION, params: [String(Math.ceil(idleInTransactionMs))] },
      connectTimeoutMs,
    )
    const session = rows[0]!
    if (session.version < OLDEST_VERSION) {
      throw new ConfigurationError(`${name} is PostgreSQL ${Math.floor(session.version / 10_000)}; at least 14 is needed.`)
    }
    if (session.replica) throw new ConfigurationError(`${name} is a replica, which lags and takes no writes. Connect to the primary.`)
    this.#durability = session.fsync === 'on' ? 'power-loss' : 'process-crash'
    return session
  }
}

/** The server answered, and does not want this client: wrong password, no such database, no right to connect. */
function isRefusal(error: unknown): boolean {
  return error instanceof Error && 'code' in error && ['28P01', '28000', '3D000', '42501'].includes(String(error.code))
}

function typedRefusal(error: unknown, name: string): unknown {
  return isRefusal(error)
    ? new ConfigurationError(`${name} refuses the connection: ${String(error)}. Look at user, password and database.`, { cause: error })
    : typed(error, name)
}
