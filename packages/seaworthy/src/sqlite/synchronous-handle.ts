import { type Database, ConfigurationError, type SqlValue } from 'seaworthy/core'
import { SqliteBusyError, typed } from './errors.ts'

/** What is used of a statement of node:sqlite (`StatementSync`) or better-sqlite3 (`Statement`). */
interface SynchronousStatement {
  run(...params: never[]): { readonly changes: number | bigint }
  all(...params: never[]): unknown[]
}

/** How both are told to give rows as plain objects, and whole numbers as numbers, whatever the handle's own settings are. */
interface StatementSettings {
  /** better-sqlite3 */
  safeIntegers?(on: boolean): unknown
  /** node:sqlite */
  setReadBigInts?(on: boolean): unknown
  setReturnArrays?(on: boolean): unknown
}

/** A database handle of node:sqlite (`DatabaseSync`) or better-sqlite3 (`Database`), which the caller opened and owns. */
export interface SynchronousHandle {
  prepare(sql: string): SynchronousStatement
  exec(sql: string): unknown
  /** Whether a transaction is open, as node:sqlite says it. */
  readonly isTransaction?: boolean
  /** The same, as better-sqlite3 says it. */
  readonly inTransaction?: boolean
}

// What better-sqlite3 names, node:sqlite numbers: https://sqlite.org/rescode.html
const RESULT_CODES: Readonly<Record<string, number>> = {
  SQLITE_ERROR: 1,
  SQLITE_BUSY: 5,
  SQLITE_LOCKED: 6,
  SQLITE_READONLY: 8,
  SQLITE_IOERR: 10,
  SQLITE_CORRUPT: 11,
  SQLITE_FULL: 13,
  SQLITE_CANTOPEN: 14,
  SQLITE_CONSTRAINT: 19,
  SQLITE_NOTADB: 26,
}

/** The library's statements on a caller's handle. Each is prepared once. */
export class HandleStatements {
  readonly #handle: SynchronousHandle
  readonly #prepared = new Map<string, SynchronousStatement>()

  /** @throws ConfigurationError when the handle does not say whether a transaction is open */
  constructor(handle: SynchronousHandle) {
    if (typeof (handle.isTransaction ?? handle.inTransaction) !== 'boolean') {
      throw new ConfigurationError('This is no handle of node:sqlite or better-sqlite3, whose transactions are synchronous.')
    }
    this.#handle = handle
  }

  get inTransaction(): boolean {
    return this.#handle.isTransaction ?? this.#handle.inTransaction ?? false
  }

  /** @throws SqliteBusyError when the caller left a transaction open over an await: what it has not committed is seen on its own handle */
  assertIdle(): void {
    if (!this.inTransaction) return
    throw new SqliteBusyError(
      'A transaction is open on the handle that the relay reads by. End transactions in the turn of the event loop that begins them, or give the relay a handle of its own.',
    )
  }

  run(sql: string, ...params: readonly SqlValue[]): number {
    return this.#typed(() => Number(this.#prepare(sql).run(...(params as never[])).changes))
  }

  all<Row extends object>(sql: string, ...params: readonly SqlValue[]): readonly Row[] {
    // The rows of node:sqlite have no prototype.
    return this.#typed(() => this.#prepare(sql).all(...(params as never[]))).map((row) => ({ ...(row as Row) }))
  }

  /** Runs `work` in a transaction of the library's own. @throws SqliteBusyError where {@link assertIdle} does */
  atomically<T>(work: () => T): T {
    this.assertIdle()
    this.run('BEGIN IMMEDIATE')
    try {
      const value = work()
      this.run('COMMIT')
      return value
    } catch (error) {
      // SQLite ends a transaction by itself when it cannot go on.
      if (this.inTransaction) this.run('ROLLBACK')
      throw error
    }
  }

  /** Runs `work` in the caller's transaction, the whole of it or nothing. */
  inSavepoint(work: () => void): void {
    this.run('SAVEPOINT seaworthy')
    try {
      work()
      this.run('RELEASE seaworthy')
    } catch (error) {
      if (this.inTransaction) {
        this.run('ROLLBACK TO seaworthy')
        this.run('RELEASE seaworthy')
      }
      throw error
    }
  }

  script(sql: string): void {
    this.#typed(() => this.#handle.exec(sql))
  }

  #prepare(sql: string): SynchronousStatement {
    const known = this.#prepared.get(sql)
    if (known !== undefined) return known
    const statement: SynchronousStatement & StatementSettings = this.#handle.prepare(sql)
    statement.safeIntegers?.(false)
    statement.setReadBigInts?.(false)
    statement.setReturnArrays?.(false)
    this.#prepared.set(sql, statement)
    return statement
  }

  #typed<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      throw typed(numbered(error), 'the database of a handle')
    }
  }
}

/** What stores ask of a database, at once. @throws SqliteBusyError while the caller has a transaction open */
export function databaseOn(statements: HandleStatements): Pick<Database, 'query' | 'atomically'> {
  return {
    query: async <Row extends object>({ sql, params = [] }: { sql: string; params?: readonly never[] }) => {
      statements.assertIdle()
      return statements.all<Row>(sql, ...params)
    },
    atomically: async (writes) =>
      statements.atomically(() => writes.map(({ sql, params = [] }) => ({ rowCount: statements.run(sql, ...params) }))),
  }
}

/** An error of better-sqlite3 with the number that node:sqlite gives; any other as it is. */
function numbered(error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return error
  // Extended codes begin with the name of the primary one, as in SQLITE_IOERR_FSYNC.
  const errcode = RESULT_CODES[error.code.split('_', 2).join('_')]
  return errcode === undefined ? error : Object.assign(new Error(error.message, { cause: error }), { errcode })
}
