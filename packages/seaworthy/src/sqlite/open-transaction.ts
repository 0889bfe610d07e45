import type { Statement, Transaction } from 'seaworthy/core'
import type { SqlConnection } from './connection.ts'
import { TransactionEndedError, TransactionLostError } from './errors.ts'
import type { TransactionTimes } from './transaction-times.ts'

/** A transaction of an embedded database. */
export interface SqliteTransaction extends Transaction {
  /** Runs several statements that take no parameters, such as the steps of a migration. */
  script(sql: string): Promise<void>
}

/**
 * The `tx` of one body. `open` until the body ends; then every use is refused, because the connection is already at work for somebody
 * else, whose transaction a late statement would slip into.
 */
export class OpenTransaction implements SqliteTransaction {
  readonly effects: (() => void)[] = []
  readonly #connection: SqlConnection
  readonly #times: TransactionTimes | undefined
  #endedBecause: string | undefined
  #lost: unknown

  constructor(connection: SqlConnection, times?: TransactionTimes) {
    this.#connection = connection
    this.#times = times
  }

  get open(): boolean {
    return this.#endedBecause === undefined
  }

  /** What made the engine roll back the whole transaction, if it did. */
  get lost(): unknown {
    return this.#lost
  }

  end(why: string): void {
    this.#endedBecause ??= why
  }

  async query<Row extends object>(statement: Statement): Promise<readonly Row[]> {
    return this.#use((connection) => connection.all<Row>(statement))
  }

  async execute(statement: Statement): Promise<{ readonly rowCount: number }> {
    return this.#use((connection) => ({ rowCount: connection.run(statement) }))
  }

  async script(sql: string): Promise<void> {
    this.#use((connection) => connection.script(sql))
  }

  afterCommit(effect: () => void): void {
    if (this.#endedBecause !== undefined) throw new TransactionEndedError(this.#endedBecause)
    this.effects.push(effect)
  }

  #use<T>(work: (connection: SqlConnection) => T): T {
    if (this.#endedBecause !== undefined) throw new TransactionEndedError(this.#endedBecause)
    if (this.#lost !== undefined) throw new TransactionLostError(this.#lost)
    try {
      return this.#times === undefined ? work(this.#connection) : this.#times.execute(() => work(this.#connection))
    } catch (error) {
      if (this.#connection.inTransaction) throw error
      // Outside a transaction the next statement would commit by itself: the body gets no further.
      this.#lost = error
      throw new TransactionLostError(error)
    }
  }
}
