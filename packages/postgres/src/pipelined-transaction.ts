import { type Statement, type Transaction, UnsupportedError } from 'seaworthy/core'
import { TransactionEndedError } from './errors.ts'

/** What became of a failure: a better error for it, or undefined where somebody else has to know. */
type Explain = (error: unknown) => Promise<unknown>

/**
 * The `tx` of a body that only writes. It collects statements, and nothing is sent before the body has ended: so a body that fails, or does what needs an answer,
 * leaves nothing.
 */
export class PipelinedTransaction implements Transaction {
  readonly statements: Statement[] = []
  readonly effects: (() => void)[] = []
  readonly #explanations: Explain[] = []
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
