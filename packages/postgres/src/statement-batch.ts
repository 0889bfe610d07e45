import { Query } from 'pg'
import { type KeptStatement, SessionStatements } from './session-statements.ts'

/** One statement of a {@link StatementBatch}. */
export interface BatchStatement {
  readonly sql: string
  readonly values: readonly (string | Buffer | null)[]
}

/** What is used of pg's connection, which its types leave out. */
interface Wire {
  readonly stream: { cork(): void; uncork(): void; destroy(): void }
  close(message: { type: 'S'; name: string }): void
  parse(message: { text: string; name: string }): void
  bind(message: { statement: string; values: readonly (string | Buffer | null)[] }): void
  execute(message: object): void
  sync(): void
}

type Answered = (error: Error | null, rowCounts: readonly number[]) => void

const statementsOf = new WeakMap<Wire, SessionStatements>()

/**
 * Several statements of PostgreSQL's extended protocol with one Sync behind the last: the server works through all of them and answers once, and after one
 * that fails it skips the rest. pg sends a Sync with each query, which the server answers each by itself, and for which it wakes the client each time.
 * @see https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-PIPELINING
 */
export class StatementBatch extends Query {
  readonly callback: Answered
  /** Read by pg. Without an answer by then it closes the socket. */
  readonly query_timeout: number
  readonly #statements: readonly BatchStatement[]
  readonly #kept: KeptStatement[] = []
  readonly #rowCounts: number[] = []

  constructor(statements: readonly BatchStatement[], options: { readonly timeoutMs: number; readonly onAnswer: Answered }) {
    super('')
    this.#statements = statements
    this.callback = options.onAnswer
    this.query_timeout = options.timeoutMs
  }

  override readonly submit = (connection: object): void => {
    const wire = connection as Wire
    const session = statementsOf.get(wire) ?? new SessionStatements()
    statementsOf.set(wire, session)
    wire.stream.cork()
    try {
      for (const name of session.takePushedOut()) wire.close({ type: 'S', name })
      for (const { sql, values } of this.#statements) {
        wire.bind({ statement: this.#parsed(wire, session, sql), values })
        wire.execute({})
      }
      wire.sync()
    } catch (error) {
      // The Sync of whoever came next would commit the half of it.
      wire.stream.destroy()
      throw error
    } finally {
      wire.stream.uncork()
    }
  }

  /** @returns the name under which the server has it by then; of one that is not kept none */
  #parsed(wire: Wire, session: SessionStatements, sql: string): string {
    const statement = session.keep(sql)
    if (statement === undefined) {
      wire.parse({ text: sql, name: '' })
      return ''
    }
    if (statement.state === 'doubtful') wire.close({ type: 'S', name: statement.name })
    if (statement.state !== 'parsed') wire.parse({ text: sql, name: statement.name })
    // For the same text later in this batch. What comes of it is known at the end.
    statement.state = 'parsed'
    this.#kept.push(statement)
    return statement.name
  }

  handleCommandComplete({ text }: { readonly text: string }): void {
    this.#rowCounts.push(Number(/\d+$/.exec(text)?.[0] ?? 0))
  }

  handleEmptyQuery(): void {
    this.#rowCounts.push(0)
  }

  /** A statement that returns rows was not asked to describe them. They are counted. */
  handleDataRow(): void {}

  handleReadyForQuery(): void {
    this.callback(null, this.#rowCounts)
  }

  handleError(error: Error): void {
    for (const statement of this.#kept) statement.state = 'doubtful'
    this.callback(error, [])
  }
}
