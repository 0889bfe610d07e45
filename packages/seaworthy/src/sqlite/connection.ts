import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { ConfigurationError, type SqlValue, type Statement } from 'seaworthy/core'
import { StatementRefusedError, typed } from './errors.ts'
import { StatementGuard } from './statement-guard.ts'

export interface ConnectionOptions {
  readonly path: string
  readonly readOnly: boolean
  /** Prepared statements that are kept, the least recently used first to go. */
  readonly statementsMax: number
}

/** What a database does with a connection: that of a file, or one that a simulation puts in its place. */
export interface SqlConnection {
  readonly path: string
  readonly guard: StatementGuard
  /** Whether a transaction is open: SQLite ends one by itself when it cannot go on. */
  readonly inTransaction: boolean
  /** Runs a statement of the library's own, unguarded and with SQLite's own error. */
  control(sql: string): void
  /** The first row of a statement of the library's own, such as a pragma. */
  first(sql: string): Readonly<Record<string, unknown>> | undefined
  /** All rows, as plain objects. */
  all<Row extends object>(statement: Statement): Row[]
  /** @returns the number of rows inserted, updated or deleted */
  run(statement: Statement): number
  /** Runs several statements that take no parameters. */
  script(sql: string): void
  close(): void
}

interface Prepared {
  readonly statement: StatementSync
  readonly changesRows: boolean
  /** Of its columns; undefined where a change of the schema may change them, and node:sqlite has to look each time. */
  readonly names: readonly string[] | undefined
  /** The higher, the later it was used. */
  lastUse: number
}

/**
 * One connection of node:sqlite: prepared statements kept within a limit, errors typed, the user's statements guarded.
 * Everything on it is synchronous, and it never waits for a lock: a wait inside SQLite would stop the event loop.
 *
 * A statement that is used often says `LIMIT ? + 0`: the planner looks at a bare parameter's value, and compiles the statement anew at each binding.
 *
 * Never open the same file by node:fs in this process: closing any descriptor of it drops all of the process's POSIX locks on it
 * (https://sqlite.org/howtocorrupt.html, section 2.2).
 */
export class Connection implements SqlConnection {
  readonly path: string
  readonly guard = new StatementGuard()
  readonly #database: DatabaseSync
  readonly #own = new Map<string, StatementSync>()
  readonly #prepared = new Map<string, Prepared>()
  readonly #statementsMax: number
  #uses = 0

  /** @throws SqliteError when the file cannot be opened */
  constructor(options: ConnectionOptions) {
    this.path = options.path
    this.#statementsMax = options.statementsMax
    try {
      this.#database = new DatabaseSync(options.path, { readOnly: options.readOnly, timeout: 0, defensive: true })
    } catch (error) {
      throw typed(error, options.path)
    }
    if (typeof this.#database.setAuthorizer !== 'function') {
      this.#database.close()
      throw new ConfigurationError(
        `seaworthy/sqlite needs Node 24.10 or newer, whose node:sqlite can refuse statements; this is ${process.version}.`,
      )
    }
    const { guard } = this
    this.#database.setAuthorizer((action, first, second) => guard.authorize(action, first, second))
  }

  get inTransaction(): boolean {
    return this.#database.isTransaction
  }

  control(sql: string): void {
    // Not `run`, which makes an object of what changed.
    this.#ownStatement(sql).get()
  }

  first(sql: string): Readonly<Record<string, unknown>> | undefined {
    try {
      return this.#ownStatement(sql).get()
    } catch (error) {
      throw typed(error, this.path)
    }
  }

  all<Row extends object>(statement: Statement): Row[] {
    return this.#guarded(() => {
      const prepared = this.#prepare(statement.sql)
      const rows: readonly unknown[] = prepared.statement.all(...binding(statement.params))
      // node:sqlite's rows have no prototype; those of other engines do, and equality in tests sees the difference.
      if (prepared.names === undefined) return rows.map((row) => ({ ...(row as Row) }))
      const { names } = prepared
      return rows.map((values) => plainObject(names, values as readonly unknown[]) as Row)
    })
  }

  run(statement: Statement): number {
    return this.#guarded(() => {
      const prepared = this.#prepare(statement.sql)
      const { changes } = prepared.statement.run(...binding(statement.params))
      // SQLite reports the last count again for a statement that changes no rows.
      return prepared.changesRows ? Number(changes) : 0
    })
  }

  script(sql: string): void {
    this.#guarded(() => this.#database.exec(sql))
  }

  close(): void {
    this.#own.clear()
    this.#prepared.clear()
    if (this.#database.isOpen) this.#database.close()
  }

  #ownStatement(sql: string): StatementSync {
    let statement = this.#own.get(sql)
    if (statement === undefined) {
      statement = this.#database.prepare(sql)
      this.#own.set(sql, statement)
    }
    return statement
  }

  #guarded<T>(work: () => T): T {
    this.guard.userStatement = true
    try {
      return work()
    } catch (error) {
      throw typed(error, this.path)
    } finally {
      this.guard.userStatement = false
    }
  }

  #prepare(sql: string): Prepared {
    const known = this.#prepared.get(sql)
    if (known !== undefined) {
      known.lastUse = ++this.#uses
      return known
    }
    const schemaChangedBefore = this.guard.changesSchema
    this.guard.changesRows = false
    this.guard.changesSchema = false
    const statement = this.#database.prepare(sql)
    // SQLite compiles the first statement and leaves the rest; running half of what was asked must not pass for success.
    if (holdsStatement(sql.slice(statement.sourceSQL.length))) {
      throw new StatementRefusedError(`One statement at a time: more follows after \`${statement.sourceSQL.slice(0, 80)}\`. Use script().`)
    }
    // A DROP TABLE deletes rows too, as SQLite sees it; nobody counts them.
    const prepared = {
      statement,
      names: namesOf(statement, sql),
      changesRows: this.guard.changesRows && !this.guard.changesSchema,
      lastUse: ++this.#uses,
    }
    this.guard.changesSchema ||= schemaChangedBefore
    if (this.#prepared.size >= this.#statementsMax) this.#forgetLeastRecentlyUsed()
    this.#prepared.set(sql, prepared)
    return prepared
  }

  /** Looks at all of them, which is little beside compiling the statement that takes the place. */
  #forgetLeastRecentlyUsed(): void {
    let oldest: string | undefined
    let oldestUse = Number.POSITIVE_INFINITY
    for (const [sql, { lastUse }] of this.#prepared) {
      if (lastUse >= oldestUse) continue
      oldest = sql
      oldestUse = lastUse
    }
    if (oldest !== undefined) this.#prepared.delete(oldest)
  }
}

function binding(params: readonly SqlValue[] = []): SqlValue[] {
  return params as SqlValue[]
}

/** Has a statement whose columns are named in it return its values alone: less than half of the work for a row. */
function namesOf(statement: StatementSync, sql: string): readonly string[] | undefined {
  if (sql.includes('*')) return undefined
  statement.setReturnArrays(true)
  return statement.columns().map(({ name }) => name)
}

function plainObject(names: readonly string[], values: readonly unknown[]): object {
  const row: Record<string, unknown> = {}
  for (let index = 0; index < names.length; index++) row[names[index]!] = values[index]
  return row
}

/** True when SQL is left besides blanks, semicolons and comments. */
function holdsStatement(rest: string): boolean {
  return rest !== '' && rest.replaceAll(/--[^\n]*|\/\*[^]*?\*\/|[\s;]+/g, '') !== ''
}
