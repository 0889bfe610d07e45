import type { Statement, Transaction } from 'seaworthy/core'
import { type CopyProgress, type SetAsideKey, type SideState, type Step } from './side.ts'
import { type Gate, type Phase, gateOf } from './ownership.ts'
import type { SideName } from './mapping.ts'

/** Its own row of a side, in SQL that SQLite and PostgreSQL both understand. Every statement goes by the primary keys of its tables, and the index of strays. */
const COLUMNS = `side, epoch, phase, gate, revision, position, copy_stage, copy_after, switched_at, closed_at, verified_at_ms,
  (SELECT count(*) FROM (SELECT 1 AS one FROM seaworthy_cut_over_keys k WHERE k.name = c.name AND k.kind = 'parked' LIMIT 1) AS parked_keys) AS parked,
  coalesce((SELECT max(position) FROM seaworthy_cut_over_changes s WHERE s.name = c.name AND s.epoch IS NOT NULL), 0) AS stray_at`
const INSERT = `INSERT INTO seaworthy_cut_over (name, side, refuse, gate) VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO NOTHING`
const SET_REFUSE = 'UPDATE seaworthy_cut_over SET refuse = $2 WHERE name = $1 AND refuse <> $2'
const SELECT = `SELECT ${COLUMNS} FROM seaworthy_cut_over c WHERE name = $1`
const MOVE = `UPDATE seaworthy_cut_over SET epoch = $2, phase = $3, gate = $4, revision = revision + 1, position = $5, copy_stage = $6, copy_after = $7,
    switched_at = $8, closed_at = $9, verified_at_ms = $10 WHERE name = $1`
const ADVANCE = `UPDATE seaworthy_cut_over SET revision = revision + 1, position = $2, copy_stage = $3, copy_after = $4, verified_at_ms = $5 WHERE name = $1`
const VERIFIED = 'UPDATE seaworthy_cut_over SET verified_at_ms = $3 WHERE name = $1 AND epoch = $2'
const CAPTURED_FROM = 'UPDATE seaworthy_cut_over SET captured_from = $2 WHERE name = $1 AND captured_from < $2'
const ADD_KEY = `INSERT INTO seaworthy_cut_over_keys (name, kind, key, reason) VALUES ($1, $2, $3, $4)
  ON CONFLICT (name, kind, key) DO UPDATE SET reason = excluded.reason`
const REMOVE_KEY = 'DELETE FROM seaworthy_cut_over_keys WHERE name = $1 AND kind = $2 AND key = $3'
const REMOVE_KEYS = 'DELETE FROM seaworthy_cut_over_keys WHERE name = $1 AND kind = $2'
const SELECT_KEYS = 'SELECT key, reason FROM seaworthy_cut_over_keys WHERE name = $1 AND kind = $2 ORDER BY key LIMIT $3 + 0'
const FORGET = ['seaworthy_cut_over_changes', 'seaworthy_cut_over_keys', 'seaworthy_cut_over'].map(
  (table) => `DELETE FROM ${table} WHERE name = $1`,
)
const HAS_KEY = 'SELECT 1 AS there FROM seaworthy_cut_over_keys WHERE name = $1 AND kind = $2 AND key = $3'

interface StoredRow {
  readonly side: SideName
  readonly epoch: number
  readonly phase: Phase
  readonly gate: Gate
  readonly revision: number
  readonly position: number
  readonly copy_stage: CopyProgress['stage']
  readonly copy_after: string | null
  readonly switched_at: number
  readonly closed_at: number
  readonly verified_at_ms: number
  readonly parked: number
  readonly stray_at: number
}

type Reading = Pick<Transaction, 'query'>

/** The statement as the engine of a database takes it: SQLite numbers parameters by `?1`. */
export function dialectOf(dialect: 'sqlite' | 'postgres'): (sql: string) => string {
  return dialect === 'sqlite' ? (sql) => sql.replaceAll(/\$(\d+)/g, '?$1') : (sql) => sql
}

/** The rows that a side keeps about a cut-over, in its own database. */
export class SideTable {
  readonly #name: string
  readonly #dialect: 'sqlite' | 'postgres'
  readonly #sql: (sql: string) => string

  constructor(name: string, dialect: 'sqlite' | 'postgres') {
    this.#name = name
    this.#dialect = dialect
    this.#sql = dialectOf(dialect)
  }

  /**
   * Where there is no row yet: the monolith owns the data.
   * @returns whether there was none
   */
  async create(tx: Transaction, side: SideName, refuse: boolean): Promise<boolean> {
    const { rowCount } = await tx.execute(this.#statement(INSERT, side, refuse ? 1 : 0, gateOf(side, 'old')))
    await tx.execute(this.#statement(SET_REFUSE, refuse ? 1 : 0))
    return rowCount === 1
  }

  /** @param lock `update`: nobody else changes it until the transaction ends; `share`: the same, for many at one time. On SQLite there is one writer anyway. */
  async read(from: Reading, lock?: 'update' | 'share'): Promise<SideState | undefined> {
    const suffix = lock === undefined || this.#dialect === 'sqlite' ? '' : ` FOR ${lock.toUpperCase()} OF c`
    const [row] = await from.query<StoredRow>(this.#statement(SELECT + suffix))
    return row && stateOf(row)
  }

  async move(tx: Transaction, state: SideState, step: Step, head: number): Promise<void> {
    const gate = gateOf(state.side, step.phase)
    const resumed = step.resumeAt
    // Where the feed goes on from elsewhere, or where the other side was away from it, nothing has to be copied: each side has what the other had.
    const copy = resumed === undefined ? state.copy : ({ stage: 'done', after: null } as const)
    const switchedAt = state.side === 'new' && step.phase === 'new' ? head : state.switchedAt
    const closedAt = gate === 'open' ? 0 : head
    const position = resumed ?? state.position
    await tx.execute(
      this.#statement(MOVE, step.epoch, step.phase, gate, position, copy.stage, copy.after, switchedAt, closedAt, state.verifiedAtMs),
    )
    await tx.execute(this.#statement(REMOVE_KEYS, 'held'))
    for (const key of step.held ?? []) await tx.execute(this.#statement(ADD_KEY, 'held', key, 'not fed back yet'))
  }

  async advance(tx: Transaction, position: number, copy: CopyProgress, verifiedAtMs: number): Promise<void> {
    await tx.execute(this.#statement(ADVANCE, position, copy.stage, copy.after, verifiedAtMs))
  }

  async verified(tx: Transaction, epoch: number, atMs: number): Promise<void> {
    await tx.execute(this.#statement(VERIFIED, epoch, atMs))
  }

  async capturedFrom(tx: Transaction, position: number): Promise<void> {
    await tx.execute(this.#statement(CAPTURED_FROM, position))
  }

  async park(tx: Transaction, { key, reason }: SetAsideKey): Promise<void> {
    await tx.execute(this.#statement(ADD_KEY, 'parked', key, reason))
  }

  async unpark(tx: Transaction, key: string): Promise<void> {
    await tx.execute(this.#statement(REMOVE_KEY, 'parked', key))
  }

  /** Holds a key no longer. */
  async giveBack(tx: Transaction, key: string): Promise<void> {
    await tx.execute(this.#statement(REMOVE_KEY, 'held', key))
  }

  setAside(from: Reading, kind: 'held' | 'parked', max: number): Promise<readonly SetAsideKey[]> {
    return from.query<{ key: string; reason: string }>(this.#statement(SELECT_KEYS, kind, max))
  }

  async isHeld(from: Reading, key: string): Promise<boolean> {
    return (await from.query(this.#statement(HAS_KEY, 'held', key))).length > 0
  }

  /** Everything of the cut-over. */
  async forget(tx: Transaction): Promise<void> {
    for (const sql of FORGET) await tx.execute(this.#statement(sql))
  }

  #statement(sql: string, ...params: readonly (string | number | null)[]): Statement {
    return { sql: this.#sql(sql), params: [this.#name, ...params] }
  }
}

function stateOf(row: StoredRow): SideState {
  return {
    side: row.side,
    epoch: row.epoch,
    phase: row.phase,
    gate: row.gate,
    revision: row.revision,
    position: row.position,
    copy: { stage: row.copy_stage, after: row.copy_after },
    switchedAt: row.switched_at,
    closedAt: row.closed_at,
    verifiedAtMs: row.verified_at_ms,
    hasParked: row.parked > 0,
    strayAt: row.stray_at,
  }
}
