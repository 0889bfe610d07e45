import { LimitExceededError, type Statement } from 'seaworthy/core'
import type { StallHolder } from 'seaworthy/outbox'
import type { PostgresDatabase } from './database.ts'
import { textArray } from './values.ts'

// Sessions of this database that wait for a lock and have to do with the tables ($1): whoever waits for a row has the table's lock already. From each, who
// blocks it, on to those whom nobody blocks; 0 stands for prepared transactions, which have no session. Reads locks and sessions alone, no table.
const BLOCKERS = `WITH RECURSIVE lock AS (
    SELECT l.pid, l.granted, l.virtualtransaction, l.transactionid,
      l.locktype = 'relation' AND l.relation = ANY ($1::text[]::regclass[]::oid[]) AND d.datname = current_database() AS is_ours
    FROM pg_locks l LEFT JOIN pg_database d ON d.oid = l.database
  ),
  waiting AS (
    SELECT DISTINCT w.pid FROM lock w WHERE NOT w.granted AND EXISTS (SELECT FROM lock o WHERE o.pid = w.pid AND o.is_ours)
  ),
  chain (waiter, pid, blocker) AS (
    SELECT pid, pid, unnest(pg_blocking_pids(pid)) FROM waiting
    UNION
    SELECT c.waiter, c.blocker, unnest(pg_blocking_pids(c.blocker)) FROM chain c WHERE c.blocker <> 0
  ),
  root AS (
    SELECT blocker AS pid, count(DISTINCT waiter)::int AS behind FROM chain
    WHERE blocker <> ALL (SELECT pid FROM chain) GROUP BY blocker
  )
  SELECT a.pid, NULL AS gid, a.application_name AS application, a.usename AS "user", host(a.client_addr) AS client, a.state, left(a.query, 200) AS query,
    (extract(epoch FROM clock_timestamp() - coalesce(a.xact_start, a.state_change, a.backend_start)) * 1000)::float8 AS held_ms, r.behind
  FROM root r JOIN pg_stat_activity a USING (pid)
  UNION ALL
  SELECT NULL, p.gid, NULL, p.owner, NULL, NULL, NULL, (extract(epoch FROM clock_timestamp() - p.prepared) * 1000)::float8, r.behind
  FROM root r, pg_prepared_xacts p
  WHERE r.pid = 0 AND EXISTS (
    SELECT FROM lock x JOIN lock o USING (virtualtransaction) WHERE x.pid IS NULL AND x.transactionid::text = p.transaction::text AND o.is_ours)
  ORDER BY held_ms DESC`
// Those of some transactions ($2) that have the lock which a write to the table ($1) takes, and which only the end of a transaction frees.
const WRITERS = `SELECT a.pid, p.gid, a.application_name AS application, coalesce(a.usename, p.owner) AS "user", host(a.client_addr) AS client, a.state,
    left(a.query, 200) AS query,
    (extract(epoch FROM clock_timestamp() - coalesce(p.prepared, a.xact_start, a.state_change)) * 1000)::float8 AS held_ms, 1 AS behind
  FROM pg_locks l
    LEFT JOIN pg_stat_activity a ON a.pid = l.pid
    LEFT JOIN pg_locks x ON l.pid IS NULL AND x.pid IS NULL AND x.virtualtransaction = l.virtualtransaction AND x.locktype = 'transactionid'
    LEFT JOIN pg_prepared_xacts p ON p.transaction::text = x.transactionid::text
  WHERE l.locktype = 'relation' AND l.relation = ANY ($1::text[]::regclass[]::oid[]) AND l.mode = 'RowExclusiveLock' AND l.granted
    AND l.virtualtransaction = ANY ($2::text[])
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  ORDER BY held_ms DESC`

interface HolderRow {
  readonly pid: number | null
  readonly gid: string | null
  readonly application: string | null
  readonly user: string | null
  readonly client: string | null
  readonly state: string | null
  readonly query: string | null
  readonly held_ms: number
  readonly behind: number
}

/**
 * Says which open or prepared transaction holds up those who wait for some tables: the one at the end of a chain of waits, not those who wait in between. The
 * role sees states and queries of its own sessions; those of others only as a member of `pg_read_all_stats`.
 */
export class StallDoctor {
  readonly #database: PostgresDatabase
  readonly #tables: readonly string[]

  constructor(database: PostgresDatabase, tables: readonly string[]) {
    this.#database = database
    this.#tables = tables
  }

  /** Whom those wait for who wait for a lock. */
  blockers(): Promise<readonly StallHolder[]> {
    return this.#ask(BLOCKERS, [])
  }

  /** Which of some transactions, named as `pg_locks` does, still write, and may yet commit what a reader must not pass. */
  writers(virtualTransactions: Iterable<string>): Promise<readonly StallHolder[]> {
    return this.#ask(WRITERS, [textArray([...virtualTransactions])])
  }

  async #ask(sql: string, params: readonly string[]): Promise<readonly StallHolder[]> {
    const statement: Statement = { sql, params: [textArray(this.#tables), ...params] }
    const rows = await this.#database.query<HolderRow>(statement).catch((error: unknown) => {
      // Those who are held up may have all places for queries; transactions have their own.
      if (!(error instanceof LimitExceededError)) throw error
      return this.#database.transaction((tx) => tx.query<HolderRow>(statement))
    })
    return rows.map(holderOf)
  }
}

function holderOf({ pid, gid, application, user, client, state, query, held_ms, behind }: HolderRow): StallHolder {
  const heldMs = Math.max(0, Math.round(held_ms))
  if (gid !== null) return { kind: 'prepared-transaction', gid, user: user ?? undefined, heldMs, behind }
  return {
    kind: 'session',
    pid: pid ?? 0,
    application: application === null || application === '' ? undefined : application,
    user: user ?? undefined,
    client: client ?? undefined,
    state: state ?? undefined,
    query: query ?? undefined,
    heldMs,
    behind,
  }
}
