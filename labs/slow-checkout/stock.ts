import { type PostgresDatabase, migrate as migratePostgres, openPostgresDatabase } from '@seaworthy/postgres'
import type { Database } from 'seaworthy/core'
import { migrate as migrateSqlite, openSqliteDatabase } from 'seaworthy/sqlite'

const CREATE = 'CREATE TABLE stock (sku TEXT PRIMARY KEY, reserved INTEGER NOT NULL, counted INTEGER NOT NULL)'
const FILL = "INSERT INTO stock (sku, reserved, counted) VALUES ('tea', 0, 100), ('coffee', 0, 100)"
// Primary key of stock.
const RESERVE = {
  postgres: 'UPDATE stock SET reserved = reserved + 1 WHERE sku = $1',
  sqlite: 'UPDATE stock SET reserved = reserved + 1 WHERE sku = ?',
}
const LOOK = { postgres: 'SELECT reserved FROM stock WHERE sku = $1', sqlite: 'SELECT reserved FROM stock WHERE sku = ?' }
/** Both take their time: a report that somebody put into the checkout's transaction. */
const REPORT = {
  postgres: 'SELECT pg_sleep($1)',
  sqlite: 'WITH RECURSIVE line (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM line WHERE n < ?) SELECT count(*) FROM line',
}
/** SQLite counts so many lines in a millisecond, more or less. */
const LINES_PER_MS = 4_000
// Primary key of stock.
const RECOUNT = 'UPDATE stock SET counted = counted + 1 WHERE sku = $1'

/** What the checkout takes from, and what batch jobs count. */
export class Stock {
  readonly #database: Database

  private constructor(database: Database) {
    this.#database = database
  }

  /** @param at a connection string, or the path of a file; @param isStarved one connection for all */
  static async open(at: string, { isOwner }: { readonly isOwner: boolean }): Promise<Stock> {
    if (!at.startsWith('postgres:')) {
      const database = await openSqliteDatabase({ path: at })
      await migrateSqlite(database, [{ component: 'stock', versions: [`${CREATE} STRICT; ${FILL}`] }])
      return new Stock(database)
    }
    const database: PostgresDatabase = await openPostgresDatabase({
      connection: at,
      transactionsMax: isOwner ? 1 : 4,
      transactionTimeoutMs: 60_000,
    })
    if (isOwner) await migratePostgres(database, [{ component: 'stock', versions: [`${CREATE}; ${FILL}`] }])
    return new Stock(database)
  }

  /** @param reportMs how long the report in the same transaction takes; 0 for none */
  async reserve(sku: string, reportMs: number): Promise<void> {
    const { dialect } = this.#database
    await this.#database.transaction(async (tx) => {
      await tx.execute({ sql: RESERVE[dialect], params: [sku] })
      if (reportMs > 0)
        await tx.query({ sql: REPORT[dialect], params: [dialect === 'postgres' ? reportMs / 1_000 : Math.round(reportMs * LINES_PER_MS)] })
    })
  }

  async look(sku: string): Promise<void> {
    await this.#database.query({ sql: LOOK[this.#database.dialect], params: [sku] })
  }

  /** A transaction that does nothing, and keeps its connection until it is told. `onHeld` is called when it has it. */
  async occupy(until: Promise<void>, onHeld: () => void): Promise<void> {
    await this.#database.transaction(
      async () => {
        onHeld()
        await until
      },
      { timeoutMs: 60_000 },
    )
  }

  /** Counts some products, one after another, in one transaction that stays open until it is told. `onHeld` is called when it has all of them. */
  async recount(skus: readonly string[], until: Promise<void>, onCounting: (index: number) => void): Promise<void> {
    await this.#database.transaction(
      async (tx) => {
        for (const [index, sku] of skus.entries()) {
          onCounting(index)
          await tx.execute({ sql: RECOUNT, params: [sku] })
        }
        onCounting(skus.length)
        await until
      },
      { timeoutMs: 60_000 },
    )
  }
}
