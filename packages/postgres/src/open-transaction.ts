import type { Statement, Transaction } from 'seaworthy/core'
import type { Connection, StatementResult } from './connection.ts'
import { TransactionEndedError, TransactionLostError, typed, typedAtCommit } from './errors.ts'
import { assertAllowed } from './statement-guard.ts'

/** How much a transaction sees of others that commit while it runs. See PostgreSQL's chapter on transaction isolation. */
export type Isolation = 'read-committed' | 'repeatable-read' | 'serializable'

/** A transaction of a PostgreSQL database. After a statement that failed it takes nothing more: let the error pass. */
export interface PostgresTransaction extends Transaction {
  /** Runs several statements that take no parameters, such as the steps of a migration. */
  script(sql: string): Promise<void>
}

export const BEGIN: Readonly<Record<Isolation, string>> = {
  'read-committed': 'BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE',
  'repeatable-read': 'BEGIN ISOLATION LEVEL REPEATABLE READ READ WRITE',
  serializable: 'BEGIN ISOLATION LEVEL SERIALIZABLE READ WRITE',
}
// How long a statement that was cancelled, and the ROLLBACK after it, may take before the session is given up.
export const ROLLBACK_MS = 2_000
const SELECT_XID = 'SELECT pg_current_xact_id()::text AS xid'

/**
 * The `tx` of one body. `open` until the body ends; then every use is refused, because the session is already at work for somebody else,
 * whose transaction a late statement would slip into.
 */
export class OpenTransaction implements PostgresTransaction {
  readonly effects: (() => void)[] = []
  readonly #connection: Connection
  readonly #begin: string
  #begun: Promise<unknown> | undefined
  #endedBecause: string | undefined
  #firstFailure: unknown

  constructor(
    connection: Connection,
    options: {
      readonly isolation: Isolation
      /** How long the server lets it wait for its next statement, where that is not what the session has. */
      readonly idleMs?: number | undefined
      /** By which other processes know whose it is. Safe in a literal. */
      readonly applicationName?: string | undefined
    },
  ) {
    const { isolation, idleMs, applicationName } = options
    this.#connection = connection
    this.#begin =
      BEGIN[isolation] +
      (idleMs === undefined ? '' : `; SET LOCAL idle_in_transaction_session_timeout = ${Math.ceil(idleMs)}`) +
      (applicationName === undefined ? '' : `; SET LOCAL application_name = '${applicationName}'`)
  }

  get open(): boolean {
    return this.#endedBecause === undefined
  }

  /** Whether the server knows of it: a body that asks nothing costs nothing. */
  get begun(): boolean {
    return this.#begun !== undefined
  }

  end(why: string): void {
    this.#endedBecause ??= why
  }

  async query<Row extends object>(statement: Statement): Promise<readonly Row[]> {
    return (await this.#run<Row>(statement)).rows
  }

  async execute(statement: Statement): Promise<{ readonly rowCount: number }> {
    const { rowCount } = await this.#run(statement)
    return { rowCount }
  }

  async script(sql: string): Promise<void> {
    const before = await this.query<{ xid: string }>({ sql: SELECT_XID })
    try {
      await this.#connection.control(sql)
    } catch (error) {
      throw this.#failed(typed(error, this.#connection.name))
    }
    const after = await this.query<{ xid: string }>({ sql: SELECT_XID })
    if (after[0]!.xid !== before[0]!.xid) {
      throw this.#failed(new TransactionLostError(new Error('A script ended its transaction by a COMMIT or ROLLBACK of its own.')))
    }
  }

  afterCommit(effect: () => void): void {
    this.#assertOpen()
    this.effects.push(effect)
  }

  /** @throws CommitFailedError when no answer came; TransactionLostError when the body had caught the error of a statement */
  async commit(timeoutMs: number): Promise<void> {
    if (this.#begun === undefined) return
    const { name } = this.#connection
    const { command } = await this.#connection.control('COMMIT', timeoutMs).catch((error: unknown) => {
      throw typedAtCommit(error, name)
    })
    if (command !== 'COMMIT') throw new TransactionLostError(this.#firstFailure)
  }

  async #run<Row extends object>(statement: Statement): Promise<StatementResult<Row>> {
    this.#assertOpen()
    assertAllowed(statement.sql, this.#connection.name)
    this.#begun ??= this.#connection.control(this.#begin)
    try {
      // Both are on their way. Were the BEGIN refused, the session would refuse to write outside a transaction.
      const [, result] = await Promise.all([this.#begun, this.#connection.run<Row>(statement)])
      return result
    } catch (error) {
      throw this.#failed(typed(error, this.#connection.name))
    }
  }

  #failed(error: unknown): unknown {
    this.#firstFailure ??= error
    return error instanceof TransactionLostError && this.#firstFailure !== error ? new TransactionLostError(this.#firstFailure) : error
  }

  #assertOpen(): void {
    if (this.#endedBecause !== undefined) throw new TransactionEndedError(this.#endedBecause)
  }
}
