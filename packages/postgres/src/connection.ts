import type { PoolClient, QueryConfig, QueryResult, QueryResultRow } from 'pg'
import type { Statement } from 'seaworthy/core'
import { StatementRefusedError, isConnectionLoss, typed } from './errors.ts'
import { preparedName } from './prepared.ts'
import { numbered } from './question-marks.ts'
import { type BatchStatement, StatementBatch } from './statement-batch.ts'
import type { SessionTimes } from './locks/session-times.ts'
import { parameter } from './values.ts'

/** What a statement came to. */
export interface StatementResult<Row> {
  readonly rows: readonly Row[]
  readonly rowCount: number
  /** PostgreSQL's word for what it did: `INSERT`, or `ROLLBACK` in answer to a COMMIT. */
  readonly command: string
}

/** How statements name their parameters: `$1`, as PostgreSQL does, or `?` and `?1`, as SQLite does. */
export type Placeholders = 'numbered' | 'question-marks'

interface PipelinedQuery extends QueryConfig {
  readonly queryMode?: 'extended'
  /** Without an answer by then, pg closes the socket of a pipeline. */
  readonly query_timeout?: number
}

/**
 * One session with the server. What is sent leaves at once, in order, without waiting for the answers before it (pg's pipeline): a BEGIN and the
 * first statement share a round trip.
 */
export class Connection {
  readonly name: string
  /** Of the server's process, by which a statement is cancelled. */
  readonly pid: number
  readonly #client: PoolClient
  /** Which start of which server: process ids mean something there alone. */
  readonly server: string
  /** Told of what is sent and answered, while somebody wants to know where the time goes. */
  times: SessionTimes | undefined
  readonly #placeholders: Placeholders
  #unanswered = 0
  /** What broke it was told of here. pg itself hears of it a turn later, of a socket that it closed for want of an answer too. */
  #isLost = false

  constructor(client: PoolClient, options: { name: string; pid: number; server: string; placeholders?: Placeholders | undefined }) {
    this.#client = client
    this.name = options.name
    this.pid = options.pid
    this.server = options.server
    this.#placeholders = options.placeholders ?? 'numbered'
  }

  /** Whether something was sent that is not answered yet. */
  get busy(): boolean {
    return this.#unanswered > 0
  }

  /** Runs one statement. Its errors are typed as those of an open transaction. `timeoutMs` as for {@link control}. */
  run<Row extends object>({ sql, params = [] }: Statement, timeoutMs?: number): Promise<StatementResult<Row>> {
    const name = preparedName(sql)
    const query: PipelinedQuery = {
      text: this.#text(sql),
      ...(name !== undefined && { name }),
      values: params.map(parameter),
      // Also without parameters: this protocol takes one statement at a time.
      queryMode: 'extended',
      ...(timeoutMs !== undefined && { query_timeout: timeoutMs }),
    }
    return this.#answered<Row>(sql, this.#client.query<Row & QueryResultRow>(query), true)
  }

  /**
   * Runs the library's own BEGIN, COMMIT or ROLLBACK, or a script of several statements. Errors come as pg throws them. Without an answer to it,
   * and to all before it, within `timeoutMs` the session is closed at once.
   */
  control(sql: string, timeoutMs?: number): Promise<StatementResult<object>> {
    const query: PipelinedQuery = { text: sql, ...(timeoutMs !== undefined && { query_timeout: timeoutMs }) }
    return this.#answered<object>(sql, this.#client.query(query), false)
  }

  /**
   * Runs all in one round trip, up to the first that fails, and counts their rows. Errors come as pg throws them. Without an answer within `timeoutMs` the
   * session is closed.
   */
  async batch(statements: readonly Statement[], timeoutMs: number): Promise<readonly number[]> {
    const { times } = this
    this.#unanswered++
    times?.sent()
    try {
      return await new Promise((resolve, reject) => {
        const onAnswer = (error: Error | null, rowCounts: readonly number[]) => (error === null ? resolve(rowCounts) : reject(error))
        this.#client.query(
          new StatementBatch(
            statements.map((statement) => ({ sql: this.#text(statement.sql), values: batchValues(statement, this.name) })),
            { timeoutMs, onAnswer },
          ),
        )
      })
    } catch (error) {
      this.#isLost ||= isConnectionLoss(error)
      throw error
    } finally {
      this.#unanswered--
      times?.answered(statements.map(({ sql }) => sql).join('; '))
    }
  }

  /**
   * Back to the pool. One that is lost is closed: whoever got it next would lose what they send. So is one in a transaction, or with something on its way: whoever got
   * it would be inside another's.
   */
  release(): void {
    this.#client.release(this.#isLost || this.#unanswered > 0 || this.#client.getTransactionStatus() !== 'I')
  }

  #text(sql: string): string {
    return this.#placeholders === 'question-marks' ? numbered(sql) : sql
  }

  async #answered<Row>(sql: string, answer: Promise<QueryResult>, isTyped: boolean): Promise<StatementResult<Row>> {
    // Those who begin to listen in between hear of neither.
    const { times } = this
    this.#unanswered++
    times?.sent()
    try {
      // Of several statements in one script, the last.
      const result = await answer
      const { rows, rowCount, command } = Array.isArray(result) ? (result.at(-1) as QueryResult) : result
      return { rows: (rows ?? []) as readonly Row[], rowCount: rowCount ?? 0, command }
    } catch (error) {
      this.#isLost ||= isConnectionLoss(error)
      throw isTyped ? typed(error, this.name) : error
    } finally {
      this.#unanswered--
      times?.answered(sql)
    }
  }
}

/** @throws StatementRefusedError for what is no SqlValue: pg would throw in the middle of the batch, and what it had sent by then would be part of the next one */
function batchValues({ params = [] }: Statement, name: string): BatchStatement['values'] {
  return params.map((param, index) => {
    const value = parameter(param) ?? null
    if (typeof value === 'number') return String(value)
    if (value === null || typeof value === 'string' || Buffer.isBuffer(value)) return value
    throw new StatementRefusedError(
      `Parameter ${index + 1} of a statement on ${name} is of type ${typeof value}. A statement takes strings, numbers, bigints, bytes and null.`,
    )
  })
}
