import type { Condition, Expression } from './expression.ts'

export type Assignments = Readonly<Record<string, Expression>>

/** INSERT. Rows are inserted one after another; a column that a row leaves out gets its default. */
export interface Insert {
  readonly kind: 'insert'
  readonly table: string
  readonly rows: readonly Assignments[]
  readonly onConflict?:
    | { readonly do: 'nothing'; readonly target?: readonly string[] }
    | { readonly do: 'update'; readonly target: readonly string[]; readonly set: Assignments; readonly where?: Condition }
  readonly returning?: readonly string[]
}

export interface Update {
  readonly kind: 'update'
  readonly table: string
  readonly set: Assignments
  readonly where?: Condition
  readonly returning?: readonly string[]
}

export interface Delete {
  readonly kind: 'delete'
  readonly table: string
  readonly where?: Condition
  readonly returning?: readonly string[]
}

export interface Order {
  readonly column: string
  readonly descending?: boolean
}

/** What to do about a row that another transaction holds: wait for it, leave the row out, or fail with 55P03. */
export type LockWait = 'wait' | 'skip-locked' | 'nowait'

/** SELECT from one table. Without an order rows come as they lie in the table. */
export interface Select {
  readonly kind: 'select'
  readonly table: string
  /** Default all. */
  readonly columns?: readonly string[]
  readonly where?: Condition
  readonly orderBy?: readonly Order[]
  readonly limit?: number
  /** FOR UPDATE: locks the rows that it returns until the transaction ends. */
  readonly forUpdate?: LockWait
}

/** SELECT of one expression without a table, such as nextval; the result is a row with the column `value`. */
export interface Evaluate {
  readonly kind: 'evaluate'
  readonly expression: Expression
}

/** `pg_advisory_xact_lock`, or with `try` `pg_try_advisory_xact_lock`, whose result is a row with the column `value`. */
export interface AdvisoryLock {
  readonly kind: 'advisory-lock'
  readonly key: number
  readonly try?: boolean
}

export interface Listen {
  readonly kind: 'listen' | 'unlisten'
  readonly channel: string
}

export interface Notify {
  readonly kind: 'notify'
  readonly channel: string
  readonly payload?: string
}

/** BEGIN in a transaction, and COMMIT or ROLLBACK outside one, do nothing, as in PostgreSQL, which warns. COMMIT of an aborted transaction rolls back. */
export type TransactionControl = { readonly kind: 'begin' } | { readonly kind: 'commit' } | { readonly kind: 'rollback' }

/** What a session can ask of the model. Plain data; `toSql` gives the text. */
export type PostgresStatement = Insert | Update | Delete | Select | Evaluate | AdvisoryLock | Listen | Notify | TransactionControl

export const insert = (table: string, rows: readonly Assignments[], rest: Pick<Insert, 'onConflict' | 'returning'> = {}): Insert => ({
  kind: 'insert',
  table,
  rows,
  ...rest,
})
export const update = (table: string, set: Assignments, rest: Pick<Update, 'where' | 'returning'> = {}): Update => ({
  kind: 'update',
  table,
  set,
  ...rest,
})
export const deleteFrom = (table: string, rest: Pick<Delete, 'where' | 'returning'> = {}): Delete => ({ kind: 'delete', table, ...rest })
export const select = (table: string, rest: Omit<Select, 'kind' | 'table'> = {}): Select => ({ kind: 'select', table, ...rest })
export const evaluation = (expression: Expression): Evaluate => ({ kind: 'evaluate', expression })
export const advisoryLock = (key: number): AdvisoryLock => ({ kind: 'advisory-lock', key })
export const tryAdvisoryLock = (key: number): AdvisoryLock => ({ kind: 'advisory-lock', key, try: true })
export const listen = (channel: string): Listen => ({ kind: 'listen', channel })
export const unlisten = (channel: string): Listen => ({ kind: 'unlisten', channel })
export const notify = (channel: string, payload = ''): Notify => ({ kind: 'notify', channel, payload })
export const begin: TransactionControl = { kind: 'begin' }
export const commit: TransactionControl = { kind: 'commit' }
export const rollback: TransactionControl = { kind: 'rollback' }
