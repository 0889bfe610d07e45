import { channel } from 'node:diagnostics_channel'
import { type ClientConfig, Client } from 'pg'
import { type Clock, type Timer } from 'seaworthy/core'
import type { LockGraph, LockSession } from './lock-graph.ts'
import { numberArray } from '../values.ts'

/** Waiting sessions that one look follows; those that were asked about come first. */
const WAITING_MAX = 200
// How long a look may take. One that takes longer is of no use to the statement that it was for.
const LOOK_MS = 1_000
// How long the session is kept for the next look.
const IDLE_MS = 30_000

// Every session that waits for a lock, whoever it waits for, and what these do. pg_blocking_pids tells holders and those who asked earlier, names the leader for a
// parallel worker and 0 for a prepared transaction, and stops the lock table for a moment: it is asked once for each. Reads locks and sessions alone, no table.
const LOOK = `WITH waiting AS MATERIALIZED (
    SELECT coalesce(w.leader_pid, l.pid) AS pid, min(l.waitstart) AS since
    FROM pg_locks l LEFT JOIN pg_stat_activity w ON w.pid = l.pid
    WHERE NOT l.granted AND l.pid IS NOT NULL GROUP BY 1
    ORDER BY coalesce(w.leader_pid, l.pid) = ANY ($1::int[]) DESC, 2 LIMIT ${WAITING_MAX}
  ),
  blocked AS MATERIALIZED (
    SELECT pid, since, ARRAY(SELECT DISTINCT b FROM unnest(pg_blocking_pids(pid)) b WHERE b <> pid) AS blockers FROM waiting
  ),
  node AS (SELECT pid FROM blocked UNION SELECT unnest(blockers) FROM blocked)
  SELECT n.pid, coalesce(b.blockers, '{}') AS blockers, b.since::text AS since,
    (extract(epoch FROM clock_timestamp() - b.since) * 1000)::float8 AS waited_ms,
    coalesce(nullif(a.application_name, ''), nullif(a.backend_type, 'client backend')) AS application, a.state, left(a.query, 2000) AS statement,
    (CASE WHEN a.state LIKE 'idle%' THEN extract(epoch FROM clock_timestamp() - a.state_change) * 1000 END)::float8 AS idle_ms,
    (extract(epoch FROM clock_timestamp() - a.xact_start) * 1000)::float8 AS transaction_ms
  FROM node n LEFT JOIN blocked b USING (pid) LEFT JOIN pg_stat_activity a USING (pid)`
// The prepared transaction that has what one of these sessions ($1) waits for: by the object that both name, since it has no process.
const PREPARED = `SELECT p.gid, p.owner, (extract(epoch FROM clock_timestamp() - p.prepared) * 1000)::float8 AS idle_ms
  FROM pg_locks w
    JOIN pg_locks h ON h.granted AND h.pid IS NULL AND h.locktype = w.locktype
      AND (h.database, h.relation, h.page, h.tuple, h.virtualxid, h.transactionid, h.classid, h.objid, h.objsubid)
        IS NOT DISTINCT FROM (w.database, w.relation, w.page, w.tuple, w.virtualxid, w.transactionid, w.classid, w.objid, w.objsubid)
    JOIN pg_locks x ON x.pid IS NULL AND x.virtualtransaction = h.virtualtransaction AND x.locktype = 'transactionid'
    JOIN pg_prepared_xacts p ON p.transaction = x.transactionid
  WHERE NOT w.granted AND w.pid = ANY ($1::int[])
  ORDER BY p.prepared LIMIT 1`

/** Published on `seaworthy:locks.looked` at each look: for nobody, while all statements are answered soon. */
interface LocksLooked {
  /** For whose sake. */
  readonly pids: readonly number[]
}

const lookedChannel = channel('seaworthy:locks.looked')

interface SessionRow {
  readonly pid: number
  readonly blockers: readonly number[]
  readonly since: string | null
  readonly waited_ms: number | null
  readonly application: string | null
  readonly state: string | null
  readonly statement: string | null
  readonly idle_ms: number | null
  readonly transaction_ms: number | null
}

interface PreparedRow {
  readonly gid: string
  readonly owner: string
  readonly idle_ms: number
}

/** What one look found, and at which moment of the monotonic clock, as well as the way to the server lets it be known. */
export interface LockLook {
  readonly graph: LockGraph
  readonly atMs: number
}

/** Looks at the server's locks, on a session of its own: those of the pool may all wait. It is opened at the first look, and closed when it is not used. */
export class LockProbe {
  readonly #config: ClientConfig
  readonly #clock: Clock
  #client: Promise<Client> | undefined
  #idle: Timer | undefined
  #closed = false

  constructor(options: { readonly config: ClientConfig; readonly clock: Clock }) {
    this.#config = options.config
    this.#clock = options.clock
  }

  /** Looks once, for sessions that may wait. @throws what pg throws; the next look opens a new session */
  async look(pids: readonly number[]): Promise<LockLook> {
    const client = await this.#connected()
    if (lookedChannel.hasSubscribers) lookedChannel.publish({ pids } satisfies LocksLooked)
    const sentMs = this.#clock.monotonicMs()
    try {
      const { rows } = await client.query<SessionRow>({ name: 'look', text: LOOK, values: [numberArray(pids)] })
      const atMs = (sentMs + this.#clock.monotonicMs()) / 2
      const graph = new Map(rows.map((row) => [row.pid, sessionOf(row)]))
      if (graph.has(0)) graph.set(0, await this.#prepared(client, graph))
      return { graph, atMs }
    } catch (error) {
      this.#forget(client)
      throw error
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#idle?.cancel()
    const client = await this.#client?.catch(() => undefined)
    await client?.end().catch(() => undefined)
  }

  /** What can be said of the prepared transaction that somebody waits for. Of several the oldest. */
  async #prepared(client: Client, graph: LockGraph): Promise<LockSession> {
    const waiters = [...graph.values()].filter(({ blockers }) => blockers.includes(0)).map(({ pid }) => pid)
    const { rows } = await client.query<PreparedRow>(PREPARED, [numberArray(waiters)])
    const found = rows[0]
    return {
      pid: 0,
      blockers: [],
      waitedMs: undefined,
      waitingSince: undefined,
      application: found === undefined ? 'a prepared transaction' : `prepared transaction ${found.gid} of ${found.owner}`,
      state: 'idle in transaction',
      statement: 'PREPARE TRANSACTION ?',
      idleMs: found?.idle_ms,
      transactionMs: found?.idle_ms,
    }
  }

  #connected(): Promise<Client> {
    this.#idle?.cancel()
    this.#idle = this.#clock.timer(IDLE_MS, () => this.#rest(), { keepAlive: false })
    this.#client ??= this.#connect()
    return this.#client
  }

  async #connect(): Promise<Client> {
    const client = new Client({
      keepAlive: true,
      ...this.#config,
      application_name: 'seaworthy locks',
      connectionTimeoutMillis: LOOK_MS,
      query_timeout: LOOK_MS,
      statement_timeout: LOOK_MS,
    })
    client.on('error', () => undefined)
    client.once('end', () => (this.#client = undefined))
    try {
      await client.connect()
      // Closed meanwhile: nobody else would end it.
      if (this.#closed) throw new Error('closed')
      return client
    } catch (error) {
      this.#forget(client)
      throw error
    }
  }

  #forget(client: Client): void {
    this.#client = undefined
    void client.end().catch(() => undefined)
  }

  #rest(): void {
    const client = this.#client
    this.#client = undefined
    void client?.then((open) => open.end()).catch(() => undefined)
  }
}

function sessionOf(row: SessionRow): LockSession {
  return {
    pid: row.pid,
    blockers: row.blockers,
    waitedMs: row.blockers.length === 0 ? undefined : Math.max(0, row.waited_ms ?? 0),
    waitingSince: row.blockers.length === 0 ? undefined : (row.since ?? ''),
    application: row.application ?? undefined,
    state: row.state ?? undefined,
    statement: row.statement ?? undefined,
    idleMs: row.idle_ms ?? undefined,
    transactionMs: row.transaction_ms ?? undefined,
  }
}
