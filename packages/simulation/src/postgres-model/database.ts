import { AsyncLocalStorage } from 'node:async_hooks'
import {
  type Clock,
  type Database,
  type SqlValue,
  type Statement,
  type Transaction,
  ConfigurationError,
  SeaworthyError,
  TimeoutError,
  systemClock,
  runAfterCommit,
} from 'seaworthy/core'
import { PostgresModelTransaction } from './database-transaction.ts'
import type { PostgresModel } from './postgres-model.ts'
import type { Session } from './session.ts'
import type { RenderedStatement } from './sql.ts'
import type { PostgresStatement } from './statement.ts'

/** What the model shall run for a statement that a service sends as text, by that text. */
export type StatementsByText = Readonly<Record<string, (params: readonly SqlValue[]) => PostgresStatement>>

export interface PostgresModelDatabaseOptions {
  /** Of its sessions, in messages. Default `database`. */
  readonly name?: string
  /** For a service's own SQL. What `toSql` made needs no entry. */
  readonly statements?: StatementsByText
  /** For `timeoutMs`. */
  readonly clock?: Clock
}

/** A database on the model, for one process of a simulation; several on one model are several processes. */
export interface PostgresModelDatabase extends Database {
  readonly dialect: 'postgres'
  readonly concurrency: 'overlapping'
  /**
   * The process died: its transactions roll back, and nothing that it waits for ever settles. A statement that waited is finished before, as by a server
   * that notices late.
   */
  crash(): void
}

/** A database behind the library's port, whose transactions overlap as on PostgreSQL. Each has a session of its own; there is no pool to run out of. */
export function postgresModelDatabase(model: PostgresModel, options: PostgresModelDatabaseOptions = {}): PostgresModelDatabase {
  return new ModelDatabase(model, options)
}

class ModelDatabase implements PostgresModelDatabase {
  readonly dialect = 'postgres'
  readonly durability = 'power-loss'
  readonly concurrency = 'overlapping'
  readonly #model: PostgresModel
  readonly #name: string
  readonly #statements: StatementsByText
  readonly #clock: Clock
  readonly #inside = new AsyncLocalStorage<PostgresModelTransaction>()
  readonly #sessions = new Set<Session>()
  readonly #inProgress = new Set<Promise<unknown>>()
  #closed = false
  #begun = 0

  constructor(model: PostgresModel, options: PostgresModelDatabaseOptions) {
    this.#model = model
    this.#name = options.name ?? 'database'
    this.#statements = options.statements ?? {}
    this.#clock = options.clock ?? systemClock
  }

  transaction<T>(body: (tx: Transaction) => Promise<T>, options: { signal?: AbortSignal; timeoutMs?: number } = {}): Promise<T> {
    if (this.#inside.getStore()?.open === true) return Promise.reject(nested(this.#name))
    return this.#withSession(async (session) => {
      options.signal?.throwIfAborted()
      const tx = new PostgresModelTransaction(session, (statement) => this.#toStatement(statement))
      const value = await this.#runBody(tx, session, body, options)
      await tx.commit()
      for (const effect of tx.effects) runAfterCommit(effect)
      return value
    })
  }

  async atomically(statements: readonly Statement[]): Promise<readonly { readonly rowCount: number }[]> {
    return this.transaction(async (tx) => {
      const counts: { readonly rowCount: number }[] = []
      for (const statement of statements) counts.push(await tx.execute(statement))
      return counts
    })
  }

  async query<Row extends object>(statement: Statement): Promise<readonly Row[]> {
    const structure = this.#toStatement(statement)
    if (!isReading(structure)) {
      throw new ConfigurationError(`query() only reads, and was given ${statement.sql.slice(0, 80)}. Write in transaction().`)
    }
    return this.#withSession((session) => new PostgresModelTransaction(session, () => structure).query<Row>(statement))
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.allSettled(this.#inProgress)
  }

  crash(): void {
    this.#closed = true
    for (const session of this.#sessions) session.disconnect()
  }

  async #withSession<T>(work: (session: Session) => Promise<T>): Promise<T> {
    if (this.#closed) {
      throw new SeaworthyError(
        'database-closed',
        `The database ${this.#name} is closed. Open it before use, and close it after the last user.`,
        {
          executed: 'no',
        },
      )
    }
    const session = this.#model.connect(`${this.#name} ${++this.#begun}`)
    const running = work(session)
    this.#sessions.add(session)
    this.#inProgress.add(running)
    try {
      return await running
    } finally {
      this.#sessions.delete(session)
      this.#inProgress.delete(running)
      // Takes back whatever is open, and ends a statement that waits.
      if (session.state === 'idle') session.disconnect()
      else session.terminate()
    }
  }

  #runBody<T>(
    tx: PostgresModelTransaction,
    session: Session,
    body: (tx: Transaction) => Promise<T>,
    { signal, timeoutMs }: { signal?: AbortSignal; timeoutMs?: number },
  ): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const settle = (why: string, act: () => void) => {
        if (!tx.open) return
        tx.end(why)
        timer?.cancel()
        signal?.removeEventListener('abort', onAbort)
        act()
      }
      const giveUp = (why: string, error: unknown) => settle(why, () => (session.terminate(), reject(error)))
      const onAbort = () => giveUp('its caller gave up', signal?.reason)
      const timer =
        timeoutMs === undefined
          ? undefined
          : this.#clock.timer(timeoutMs, () => giveUp(`it took longer than ${timeoutMs} ms`, bodyTimeout(this.#name, timeoutMs)))
      signal?.addEventListener('abort', onAbort, { once: true })
      // Called inside an async function, so that a body that throws at once is rolled back too.
      this.#inside
        .run(tx, async () => body(tx))
        .then(
          (value) => settle('its body returned', () => resolve(value)),
          (error: unknown) => giveUp('its body threw', error),
        )
    })
  }

  #toStatement(statement: Statement): PostgresStatement {
    if ('statement' in statement) return (statement as RenderedStatement).statement
    const known = this.#statements[statement.sql]
    if (known !== undefined) return known(statement.params ?? [])
    throw new ConfigurationError(
      `The model of PostgreSQL reads no SQL: ${statement.sql.slice(0, 120)}. Make the statement with toSql(), or give its structure in the option "statements".`,
    )
  }
}

function isReading(statement: PostgresStatement): boolean {
  if (statement.kind === 'select') return statement.forUpdate === undefined
  return statement.kind === 'evaluate' && !(JSON.stringify(statement.expression)?.includes('"nextval"') ?? false)
}

function bodyTimeout(name: string, timeoutMs: number): TimeoutError {
  return new TimeoutError(
    `The body of a transaction on ${name} took longer than ${timeoutMs} ms and was rolled back. Await nothing but tx inside it: others wait for its locks.`,
    timeoutMs,
    { executed: 'no' },
  )
}

function nested(name: string): SeaworthyError {
  return new SeaworthyError(
    'transaction-nested',
    `A transaction on ${name} was begun inside the body of another, and could wait for ever for what that one holds. Hand the outer tx on instead.`,
    { executed: 'no', final: true },
  )
}
