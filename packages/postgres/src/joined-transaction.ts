import { type Statement, type Transaction, ConfigurationError, SeaworthyError, runAfterCommit } from 'seaworthy/core'
import { TransactionEndedError, typed } from './errors.ts'
import { serverError } from './library-errors.ts'
import { parameter } from './values.ts'

/** A transaction that the caller began by a library of their own, and ends there. */
export interface JoinedTransaction extends Transaction {
  /**
   * Call it once your transaction has committed: it wakes whom the stores would wake, and refuses every later use. Without it a relay finds the messages
   * when it looks next, or is woken by replication.
   */
  committed(): void
}

/** What a library makes of one statement. Parameters are text, numbers, bytes and null. */
export type StatementParameter = string | number | Buffer | null

export interface LibraryResult {
  readonly rows: readonly object[]
  readonly rowCount: number
}

/** How statements reach the caller's transaction. */
export interface JoinOptions {
  /** For people, as in `a Kysely transaction`. */
  readonly name: string
  /** Runs one statement of PostgreSQL, with `$1` and so on, in that transaction. `wanted` says which part of the result is looked at. */
  readonly run: (sql: string, params: readonly StatementParameter[], wanted: 'rows' | 'rowCount') => Promise<LibraryResult>
  /** Whether the library says by this error that the transaction is over. For those that refuse by themselves. */
  readonly isEnd?: (error: unknown) => boolean
  /** Throws when no transaction is open, where the library knows without asking the server. */
  readonly assertOpen?: () => void
  /**
   * Runs {@link IDENTIFY} and returns its `xid`. For libraries that would run a late statement all the same: alone, or in the transaction of whoever has the
   * connection by then. Costs a round trip for each statement.
   */
  readonly identify?: () => Promise<string>
}

/** Refused by the server outside a transaction; inside one it changes nothing, and says which one it is. */
export const IDENTIFY = 'SAVEPOINT seaworthy; RELEASE SAVEPOINT seaworthy; SELECT pg_current_xact_id()::text AS xid'
const NO_TRANSACTION = '25P01'

/** Joins the caller's transaction. What {@link kyselyTransaction} and its siblings are made of; for a library that has none here, such as Knex or TypeORM. */
export function joinTransaction(options: JoinOptions): JoinedTransaction {
  return new CallersTransaction(options)
}

class CallersTransaction implements JoinedTransaction {
  readonly #options: JoinOptions
  readonly #effects: (() => void)[] = []
  #ended = false
  #used = false
  #xid: string | undefined

  constructor(options: JoinOptions) {
    this.#options = options
  }

  async query<Row extends object>(statement: Statement): Promise<readonly Row[]> {
    const { rows } = await this.#run(statement, 'rows')
    return rows as readonly Row[]
  }

  async execute(statement: Statement): Promise<{ readonly rowCount: number }> {
    const { rowCount } = await this.#run(statement, 'rowCount')
    return { rowCount }
  }

  afterCommit(effect: () => void): void {
    this.#assertNotEnded()
    this.#effects.push(effect)
  }

  committed(): void {
    this.#ended = true
    for (const effect of this.#effects.splice(0)) runAfterCommit(effect)
  }

  async #run({ sql, params = [] }: Statement, wanted: 'rows' | 'rowCount'): Promise<LibraryResult> {
    this.#assertNotEnded()
    try {
      this.#options.assertOpen?.()
      await this.#identify()
      const result = await this.#options.run(sql, params.map(parameter), wanted)
      this.#used = true
      return result
    } catch (error) {
      throw this.#typed(error)
    }
  }

  async #identify(): Promise<void> {
    const xid = await this.#options.identify?.()
    this.#xid ??= xid
    if (xid !== this.#xid) this.#end()
  }

  #typed(error: unknown): unknown {
    const { name, isEnd } = this.#options
    if (isEnd?.(error) === true) return this.#over()
    // What comes from this class and its adapters, a mistake in their use.
    if (error instanceof SeaworthyError) return error instanceof ConfigurationError && this.#used ? this.#over() : error
    const cause = serverError(error)
    if (cause === undefined) return error
    if (cause.code === NO_TRANSACTION) return this.#used ? this.#over() : noTransaction(name)
    return typed(cause, name)
  }

  #end(): never {
    throw this.#over()
  }

  #over(): TransactionEndedError {
    this.#ended = true
    return new TransactionEndedError(`${this.#options.name} was committed or rolled back by its library`)
  }

  #assertNotEnded(): void {
    if (this.#ended) this.#end()
  }
}

/** No transaction is open: what is added would be committed alone. */
export function noTransaction(name: string): ConfigurationError {
  return new ConfigurationError(
    `No transaction is open on what was given as ${name}. Begin one and hand over its own handle, so that your rows and the events are committed together.`,
  )
}
