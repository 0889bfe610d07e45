import { type Statement, type Transaction, SeaworthyError } from 'seaworthy/core'
import type { StatementResult } from './command.ts'
import { PostgresModelError } from './errors.ts'
import type { Session } from './session.ts'
import { type PostgresStatement, begin, commit } from './statement.ts'

/** The `tx` of one body: open until the body ends. Its BEGIN goes with its first statement. */
export class PostgresModelTransaction implements Transaction {
  readonly effects: (() => void)[] = []
  readonly #session: Session
  readonly #toStatement: (statement: Statement) => PostgresStatement
  #begun = false
  #endedBecause: string | undefined
  #firstFailure: unknown

  constructor(session: Session, toStatement: (statement: Statement) => PostgresStatement) {
    this.#session = session
    this.#toStatement = toStatement
  }

  get open(): boolean {
    return this.#endedBecause === undefined
  }

  end(why: string): void {
    this.#endedBecause ??= why
  }

  async query<Row extends object>(statement: Statement): Promise<readonly Row[]> {
    return (await this.#run(statement)).rows as readonly Row[]
  }

  async execute(statement: Statement): Promise<{ readonly rowCount: number }> {
    const { rowCount } = await this.#run(statement)
    return { rowCount }
  }

  afterCommit(effect: () => void): void {
    this.#assertOpen()
    this.effects.push(effect)
  }

  /** @throws SeaworthyError when the body had caught the error of a statement: PostgreSQL rolls back then, and says so only to who looks */
  async commit(): Promise<void> {
    if (!this.#begun) return
    if (this.#session.state === 'failed') {
      throw new SeaworthyError(
        'transaction-lost',
        'An earlier statement of this transaction failed, so that nothing of it was stored, although its body caught the error. Let the error pass.',
        { executed: 'no', cause: this.#firstFailure },
      )
    }
    await this.#session.execute(commit).catch((error: unknown) => {
      throw typed(error)
    })
  }

  async #run(statement: Statement): Promise<StatementResult> {
    this.#assertOpen()
    const structure = this.#toStatement(statement)
    try {
      if (!this.#begun) {
        this.#begun = true
        // Queued before the statement; a session that is gone refuses both in the same way.
        this.#session.execute(begin).catch(() => undefined)
      }
      return await this.#session.execute(structure)
    } catch (error) {
      const failure = typed(error)
      this.#firstFailure ??= failure
      throw failure
    }
  }

  #assertOpen(): void {
    if (this.#endedBecause === undefined) return
    throw new SeaworthyError(
      'transaction-ended',
      `This transaction has ended: ${this.#endedBecause}. Use tx only inside the body that received it, and await what you start there.`,
      { executed: 'no', final: true },
    )
  }
}

/** The model's error as the library's, under the codes that a real PostgreSQL's errors have. All say that nothing was stored: their transaction rolls back. */
function typed(error: unknown): unknown {
  if (!(error instanceof PostgresModelError)) return error
  const { code, message } = error
  const as = (name: string, final = false) => new SeaworthyError(name, `${message} (${code})`, { executed: 'no', final, cause: error })
  switch (code) {
    case '23505':
      return as('constraint')
    case '23502':
    case '23514':
      return as('constraint', true)
    case '25P02':
      return as('transaction-lost')
    case '40P01':
      return as('deadlock')
    case '55P03':
      return as('database-busy')
    case '57014':
    case '57P01':
    case '57P02':
      return as('connection-lost')
    case '21000':
    case '22003':
    case '22021':
    case '42703':
    case '42804':
    case '42883':
    case '42P01':
      return as('postgres', true)
  }
}
