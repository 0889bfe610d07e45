import {
  type Clock,
  type Database,
  type Statement,
  type Transaction,
  ConfigurationError,
  TimeoutError,
  UnavailableError,
  systemClock,
} from 'seaworthy/core'

/**
 * The transaction of an in-memory database. In-memory stores take part in it: what they change at once they undo when it rolls
 * back, and what others may see only after the commit they do then.
 */
export class InMemoryTransaction implements Transaction {
  readonly #undo: (() => void)[] = []
  readonly #commit: (() => void)[] = []
  readonly #effects: (() => void)[] = []
  #open = true

  /** The in-memory transaction behind the port. @throws ConfigurationError when it belongs to another database */
  static of(tx: Transaction): InMemoryTransaction {
    if (!(tx instanceof InMemoryTransaction)) {
      throw new ConfigurationError('An in-memory store needs the transaction of an in-memory database. Give both the same kind of storage.')
    }
    tx.#assertOpen()
    return tx
  }

  query<Row extends object>(statement: Statement): Promise<readonly Row[]> {
    return Promise.reject(noSql(statement))
  }

  execute(statement: Statement): Promise<{ readonly rowCount: number }> {
    return Promise.reject(noSql(statement))
  }

  afterCommit(effect: () => void): void {
    this.#assertOpen()
    this.#effects.push(effect)
  }

  /** Calls `undo` when the transaction rolls back, the latest first. */
  onRollback(undo: () => void): void {
    this.#assertOpen()
    this.#undo.push(undo)
  }

  /** Calls `apply` when the transaction commits, before any effect. */
  onCommit(apply: () => void): void {
    this.#assertOpen()
    this.#commit.push(apply)
  }

  /** @internal */
  end(outcome: 'commit' | 'rollback'): void {
    this.#open = false
    if (outcome === 'rollback') for (const undo of this.#undo.toReversed()) undo()
    else for (const step of [...this.#commit, ...this.#effects]) step()
  }

  #assertOpen(): void {
    if (!this.#open) throw new ConfigurationError('This transaction has ended. Use tx only inside the body that received it.')
  }
}

/**
 * A database without SQL, for tests of code that reaches it through stores alone: transactions run one after another, and a throw, an abort
 * or the time limit undoes what the in-memory stores did. Nothing survives the process.
 */
export function inMemoryDatabase(options: { clock?: Clock } = {}): Database {
  return new InMemoryDatabase(options.clock ?? systemClock)
}

class InMemoryDatabase implements Database {
  readonly dialect = 'sqlite'
  readonly durability = 'process-crash'
  readonly concurrency = 'serial'
  readonly #clock: Clock
  #last: Promise<unknown> = Promise.resolve()
  #closed = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  transaction<T>(body: (tx: Transaction) => Promise<T>, options: { signal?: AbortSignal; timeoutMs?: number } = {}): Promise<T> {
    const result = this.#last.then(() => this.#run(body, options))
    this.#last = result.catch(() => undefined)
    return result
  }

  async #run<T>(body: (tx: Transaction) => Promise<T>, { signal, timeoutMs }: { signal?: AbortSignal; timeoutMs?: number }): Promise<T> {
    if (this.#closed) throw new UnavailableError('The in-memory database is closed.')
    signal?.throwIfAborted()
    const tx = new InMemoryTransaction()
    const ended = Promise.withResolvers<never>()
    const onAbort = () => ended.reject(signal?.reason)
    signal?.addEventListener('abort', onAbort, { once: true })
    const timer =
      timeoutMs === undefined
        ? undefined
        : this.#clock.timer(timeoutMs, () => {
            ended.reject(
              new TimeoutError(`The transaction took longer than ${timeoutMs} ms and was rolled back.`, timeoutMs, { executed: 'no' }),
            )
          })
    try {
      const value = await Promise.race([body(tx), ended.promise])
      tx.end('commit')
      return value
    } catch (error) {
      tx.end('rollback')
      throw error
    } finally {
      timer?.cancel()
      signal?.removeEventListener('abort', onAbort)
    }
  }

  atomically(statements: readonly Statement[]): Promise<readonly { readonly rowCount: number }[]> {
    return Promise.reject(noSql(statements[0]))
  }

  query<Row extends object>(statement: Statement): Promise<readonly Row[]> {
    return Promise.reject(noSql(statement))
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#last
  }
}

function noSql(statement: Statement | undefined): ConfigurationError {
  return new ConfigurationError(
    `The in-memory database knows no SQL: ${statement?.sql.slice(0, 80) ?? ''}. Test code with SQL on seaworthy/sqlite, in a temporary folder.`,
  )
}
