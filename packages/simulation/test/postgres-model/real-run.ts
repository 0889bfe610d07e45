import { setImmediate } from 'node:timers/promises'
import { Client, types } from 'pg'
import {
  type Notification,
  type PostgresStatement,
  type Row,
  type Value,
  commit,
  schemaSql,
  select,
  toSql,
} from '../../src/postgres-model/index.ts'
import { type Program, type Step, SESSIONS, preparation, schema } from './random-program.ts'
import type { Outcome, Seen, Transcript } from './transcript.ts'

/** Settings of the server: transaction ids are given to the sessions alone, and deadlocks are found soon. */
export const SERVER_SETTINGS = { autovacuum: 'off', checkpoint_timeout: '1h', max_wal_size: '4GB', deadlock_timeout: '3ms' }
/** A wait this old has been looked at for a deadlock, which comes `deadlock_timeout` after its beginning. */
const CHECKED_MS = 8
const SETTLE_MS = 10_000

types.setTypeParser(types.builtins.INT8, Number)

// Rows come in the order of the heap, without an index in between, as the model gives them.
const SESSION_SETTINGS = 'SET enable_indexscan = off; SET enable_indexonlyscan = off; SET enable_bitmapscan = off'
const RESET = 'TRUNCATE item, log; ALTER SEQUENCE log_position RESTART'
const SELECT_WAITS = `SELECT pid, extract(epoch FROM clock_timestamp() - waitstart)::float8 * 1000 AS age_ms, pg_blocking_pids(pid) AS blockers
  FROM pg_locks WHERE NOT granted`
const SELECT_NEXT_XID = 'SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS xid'
/** The first transaction id of the model. */
const FIRST_XID = 3

interface WaitRow {
  readonly pid: number
  readonly age_ms: number | null
  readonly blockers: readonly number[]
}

/** Sessions on a real server that run programs, one program after another. */
export class RealSessions {
  readonly #clients: readonly RealSession[]
  readonly #control: Client

  private constructor(clients: readonly RealSession[], control: Client) {
    this.#clients = clients
    this.#control = control
  }

  static async open(url: string): Promise<RealSessions> {
    const control = new Client({ connectionString: url })
    await control.connect()
    for (const sql of schemaSql(schema)) await control.query(sql)
    const clients = await Promise.all(Array.from({ length: SESSIONS }, (_, index) => RealSession.open(url, index)))
    return new RealSessions(clients, control)
  }

  async close(): Promise<void> {
    await Promise.all([this.#control.end(), ...this.#clients.map((client) => client.close())])
  }

  /** Runs the program as far as its turns go, then ends all transactions and reads both tables. */
  async run({ scripts, turns }: Program): Promise<Transcript> {
    await this.#control.query(RESET)
    const { rows } = await this.#control.query<{ xid: number }>(SELECT_NEXT_XID)
    const offset = rows[0]!.xid - FIRST_XID
    for (const client of this.#clients) client.reset(offset)
    const steps: Step[] = []
    const seen: Seen[] = []
    const take = async (step: Step) => {
      const client = this.#clients[step.session]!
      if (client.busy) return
      client.start(step.statement)
      steps.push(step)
      seen.push(await this.#settled(step))
    }
    await take({ session: 0, statement: preparation })
    const left = scripts.map((script) => script.values())
    for (const session of turns) {
      if (this.#clients[session]!.busy) continue
      const next = left[session]?.next()
      if (next?.done === false) await take({ session, statement: next.value })
    }
    // Each commit may free others, whose transactions are then ended in the next round.
    for (let round = 0; round < SESSIONS; round++) {
      for (let session = 0; session < SESSIONS; session++) await take({ session, statement: commit })
    }
    await take({ session: 0, statement: select('item') })
    await take({ session: 1, statement: select('log') })
    // What was sent before this answer has come by then.
    await Promise.all(this.#clients.map((client) => client.stopListening()))
    return { steps, seen, notifications: this.#clients.map((client) => client.notifications) }
  }

  /** Waits until each session has ended its statement or waits for good. */
  async #settled(step: Step): Promise<Seen> {
    const untilMs = performance.now() + SETTLE_MS
    let waits: ReadonlyMap<number, WaitRow> = new Map()
    for (let busy = this.#busy(); busy.length > 0; busy = this.#busy()) {
      const { rows } = await this.#control.query<WaitRow>(SELECT_WAITS)
      // Answers that came before that of the query.
      await setImmediate()
      waits = new Map(rows.map((row) => [row.pid, row]))
      const allWait = busy.every(({ pid }) => (waits.get(pid)?.age_ms ?? 0) >= CHECKED_MS)
      // Who ended meanwhile may have done so after the look at the locks, and have set others free.
      if (allWait && this.#busy().length === busy.length && !hasCircle(waits)) break
      if (performance.now() > untilMs) throw new Error(`Nothing settled after ${JSON.stringify(step)}: ${JSON.stringify(rows)}`)
    }
    return {
      ended: this.#clients.flatMap((client) => client.takeOutcome()),
      waiting: this.#busy().map(({ index, pid }) => ({
        session: index,
        blockers: (waits.get(pid)?.blockers ?? []).map((blocker) => this.#clients.findIndex((client) => client.pid === blocker)),
      })),
    }
  }

  #busy(): readonly RealSession[] {
    return this.#clients.filter((client) => client.busy)
  }
}

/** A circle of waits is a deadlock that the server is about to find. */
function hasCircle(waits: ReadonlyMap<number, WaitRow>): boolean {
  return [...waits.keys()].some((start) => {
    const reached = new Set<number>()
    const open = [...(waits.get(start)?.blockers ?? [])]
    for (let pid = open.pop(); pid !== undefined; pid = open.pop()) {
      if (pid === start) return true
      if (!reached.has(pid)) open.push(...(waits.get(pid)?.blockers ?? []))
      reached.add(pid)
    }
    return false
  })
}

class RealSession {
  readonly index: number
  readonly pid: number
  notifications: Notification[] = []
  busy = false
  readonly #client: Client
  #outcome: Outcome | undefined
  #offset = 0

  private constructor(index: number, client: Client, pid: number) {
    this.index = index
    this.#client = client
    this.pid = pid
    client.on('notification', ({ channel, payload }) => this.notifications.push({ channel, payload: payload ?? '' }))
  }

  static async open(url: string, index: number): Promise<RealSession> {
    const client = new Client({ connectionString: url })
    await client.connect()
    await client.query(SESSION_SETTINGS)
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
    return new RealSession(index, client, rows[0]!.pid)
  }

  /** `offset`: how far this server's transaction ids are ahead of the model's. */
  reset(offset: number): void {
    this.#offset = offset
    this.notifications = []
    this.#outcome = undefined
  }

  start(statement: PostgresStatement): void {
    this.busy = true
    const { sql, params } = toSql(statement)
    const ended = (outcome: Outcome) => (this.#outcome = outcome)
    // An error is sent before the transaction is rolled back and its locks are released; the server is ready again after that.
    this.#client.once('drain', () => (this.busy = false))
    this.#client.query<Record<string, Value>>(sql, params?.slice() ?? []).then(
      ({ rows, rowCount }) => ended({ rows: rows.map((row) => this.#comparable(row, statement)), rowCount: rowCount ?? 0 }),
      (error: unknown) => ended({ error: (error as { code?: string }).code ?? String(error) }),
    )
  }

  takeOutcome(): { session: number; outcome: Outcome }[] {
    const outcome = this.#outcome
    this.#outcome = undefined
    return outcome === undefined ? [] : [{ session: this.index, outcome }]
  }

  async stopListening(): Promise<void> {
    await this.#client.query('UNLISTEN *')
  }

  close(): Promise<void> {
    return this.#client.end()
  }

  /** Transaction ids as the model counts them. */
  #comparable(row: Record<string, Value>, statement: PostgresStatement): Row {
    const isXid = (column: string) =>
      column === 'xid' ||
      (statement.kind === 'evaluate' &&
        typeof statement.expression === 'object' &&
        statement.expression !== null &&
        'kind' in statement.expression &&
        statement.expression.kind !== 'nextval')
    return Object.fromEntries(Object.entries(row).map(([column, value]) => [column, isXid(column) ? Number(value) - this.#offset : value]))
  }
}
