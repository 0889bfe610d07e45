import { type Statement, type Transaction, UnsupportedError } from 'seaworthy/core'
import { TransactionEndedError } from './errors.ts'
import type { LoneStatement } from './lone-statements.ts'

/** What became of a failure: a better error for it, or undefined where somebody else has to know. */
type Explain = (error: unknown) => Promise<unknown>

/** What is sent in place of the transaction's only statement. */
interface Lone extends LoneStatement {
  /** Throws where the number of rows says that it did nothing. */
  readonly check: (rowCount: number) => Promise<void>
}

/**
 * The `tx` of a body that only writes. It collects statements, and nothing is sent before the body has ended: so a body that fails, or does what needs an answer,
 * leaves nothing.
 */
export class PipelinedTransaction implements Transaction {
  readonly statements: Statement[] = []
  readonly effects: (() => void)[] = []
  readonly #explanations: Explain[] = []
  #lone: Lone | undefined
  #ended = false

  /** The pipelined transaction behind the port, if it is one. */
  static from(tx: Transaction): PipelinedTransaction | undefined {
    return tx instanceof PipelinedTransaction ? tx : undefined
  }

  query(): Promise<never> {
    return Promise.reject(needsAnswer('A query'))
  }

  async execute(statement: Statement): Promise<{ readonly rowCount: number }> {
    this.#assertOpen()
    this.statements.push(statement)
    return UNKNOWN
  }

  /** As `execute`. Where nothing else comes, `lone` is sent instead, together with those of other transactions. */
  async executeOrAlone(statement: Statement, lone: Lone): Promise<void> {
    await this.execute(statement)
    this.#lone = lone
  }

  /** What the transaction comes to if it is one statement that may go with those of others. */
  get lone(): Lone | undefined {
    return this.statements.length === 1 ? this.#lone : undefined
  }

  afterCommit(effect: () => void): void {
    this.#assertOpen()
    this.effects.push(effect)
  }

  /** Called with what the transaction failed with, the first first. */
  onFailure(explain: Explain): void {
    this.#explanations.push(explain)
  }

  end(): void {
    this.#ended = true
  }

  async explained(error: unknown): Promise<unknown> {
    for (const explain of this.#explanations) {
      const explanation = await explain(error)
      if (explanation !== undefined) return explanation
    }
    return error
  }

  #assertOpen(): void {
    if (this.#ended) throw new TransactionEndedError('its body returned')
  }
}

const UNKNOWN = {
  get rowCount(): never {
    throw needsAnswer('The number of rows')
  },
}

function needsAnswer(what: string): UnsupportedError {
  return new UnsupportedError(
    `${what} is not known in a pipelined transaction, which is sent when its body has ended. Use transaction() for a body that looks at answers.`,
  )
}
