import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { SqlValue, Statement } from 'seaworthy/core'

/** Prepared statements kept per connection; the one that was not used for longest makes room. */
const STATEMENTS_MAX = 200

/** One connection with a bounded cache of prepared statements. */
export class Connection {
  readonly raw: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  constructor(path: string, options: { readOnly?: boolean } = {}) {
    // A busy wait inside SQLite would stop the event loop, so there is none: callers retry asynchronously.
    this.raw = new DatabaseSync(path, { timeout: 0, readOnly: options.readOnly ?? false })
  }

  prepare(sql: string): StatementSync {
    const cached = this.#statements.get(sql)
    if (cached !== undefined) {
      // Map keeps insertion order: putting it back makes it the newest.
      this.#statements.delete(sql)
      this.#statements.set(sql, cached)
      return cached
    }
    const statement = this.raw.prepare(sql)
    this.#statements.set(sql, statement)
    if (this.#statements.size > STATEMENTS_MAX) this.#statements.delete(this.#statements.keys().next().value!)
    return statement
  }

  all<Row extends object>({ sql, params = [] }: Statement): Row[] {
    return this.prepare(sql).all(...(params as SqlValue[])) as Row[]
  }

  run({ sql, params = [] }: Statement): { rowCount: number } {
    const { changes } = this.prepare(sql).run(...(params as SqlValue[]))
    return { rowCount: Number(changes) }
  }

  get<Row extends object>({ sql, params = [] }: Statement): Row | undefined {
    return this.prepare(sql).get(...(params as SqlValue[])) as Row | undefined
  }

  close(): void {
    this.#statements.clear()
    if (this.raw.isOpen) this.raw.close()
  }
}
