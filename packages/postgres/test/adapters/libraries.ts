import { PrismaPg } from '@prisma/adapter-pg'
import { sql as drizzleSql } from 'drizzle-orm'
import { drizzle as drizzleNodePostgres } from 'drizzle-orm/node-postgres'
import { drizzle as drizzlePostgresJs } from 'drizzle-orm/postgres-js'
import { Kysely, PostgresDialect, sql as kyselySql } from 'kysely'
import { type PoolClient, Pool } from 'pg'
import postgres from 'postgres'
import { type JoinedTransaction, pgTransaction } from '@seaworthy/postgres'
import { type DrizzleTransaction, drizzleTransaction } from '@seaworthy/postgres/drizzle'
import { kyselyTransaction } from '@seaworthy/postgres/kysely'
import { postgresJsTransaction } from '@seaworthy/postgres/postgres-js'
import { type PrismaTransaction, prismaTransaction } from '@seaworthy/postgres/prisma'
import { PrismaClient } from '../fixtures/prisma/gen/client.ts'

/** A transaction of the library, as its user has it. */
export interface OwnTransaction {
  readonly joined: JoinedTransaction
  /** Runs a statement the library's own way. */
  readonly run: (sql: string) => Promise<unknown>
  /** A nested transaction of the library, which is a savepoint. */
  readonly nested: (body: (nested: OwnTransaction) => Promise<void>) => Promise<void>
}

/** One library, connected to one database. */
export interface LibraryUnderTest {
  /** Begins, and commits or rolls back, the library's own way. */
  readonly transaction: <T>(body: (own: OwnTransaction) => Promise<T>) => Promise<T>
  /** What comes of handing over the handle that is no transaction, in spite of the compiler. */
  readonly joinRoot: () => JoinedTransaction
  readonly close: () => Promise<void>
}

export interface Library {
  readonly name: string
  readonly open: (url: string, options: { readonly connectionsMax: number }) => LibraryUnderTest
  /** postgres.js 3.4.9 throws out of a timer, where nobody can catch it, when a session ends while it writes. */
  readonly survivesTermination: boolean
}

const PATIENCE_MS = 60_000

function nodePostgres(url: string, max: number): Pool {
  const pool = new Pool({ connectionString: url, max })
  const ignore = () => undefined
  // Some tests end sessions from the server's side, those of transactions too.
  pool.on('error', ignore)
  pool.on('connect', (client) => void client.on('error', ignore))
  return pool
}

const pg: Library = {
  name: 'pg',
  survivesTermination: true,
  open: (url, { connectionsMax }) => {
    const pool = nodePostgres(url, connectionsMax)
    const ownOf = (client: PoolClient): OwnTransaction => ({
      joined: pgTransaction(client),
      run: (sql) => client.query(sql),
      nested: async (body) => {
        await client.query('SAVEPOINT nested')
        try {
          await body(ownOf(client))
          await client.query('RELEASE SAVEPOINT nested')
        } catch (error) {
          await client.query('ROLLBACK TO SAVEPOINT nested')
          throw error
        }
      },
    })
    return {
      transaction: async (body) => {
        const client = await pool.connect()
        try {
          await client.query('BEGIN')
          const value = await body(ownOf(client))
          await client.query('COMMIT')
          return value
        } catch (error) {
          await client.query('ROLLBACK').catch(() => undefined)
          throw error
        } finally {
          client.release()
        }
      },
      // @ts-expect-error no transaction
      joinRoot: () => pgTransaction(pool),
      close: () => pool.end(),
    }
  },
}

const postgresJs: Library = {
  name: 'postgres.js',
  survivesTermination: false,
  open: (url, { connectionsMax }) => {
    const sql = postgres(url, { max: connectionsMax, onnotice: () => undefined })
    const ownOf = (tx: postgres.TransactionSql): OwnTransaction => ({
      joined: postgresJsTransaction(tx),
      run: async (text) => tx.unsafe(text),
      nested: (body) => tx.savepoint((nested) => body(ownOf(nested))),
    })
    return {
      transaction: async <T>(body: (own: OwnTransaction) => Promise<T>) => (await sql.begin((tx) => body(ownOf(tx)))) as T,
      // @ts-expect-error no transaction
      joinRoot: () => postgresJsTransaction(sql),
      close: () => sql.end(),
    }
  },
}

const kysely: Library = {
  name: 'Kysely',
  survivesTermination: true,
  open: (url, { connectionsMax }) => {
    const db = new Kysely<object>({ dialect: new PostgresDialect({ pool: nodePostgres(url, connectionsMax) }) })
    type Controlled = Awaited<ReturnType<ReturnType<typeof db.startTransaction>['execute']>>
    const ownOf = (trx: Controlled): OwnTransaction => ({
      joined: kyselyTransaction(trx),
      run: (text) => kyselySql.raw(text).execute(trx),
      nested: async (body) => {
        const nested = await trx.savepoint('nested').execute()
        try {
          await body(ownOf(nested))
          await nested.releaseSavepoint('nested').execute()
        } catch (error) {
          await nested.rollbackToSavepoint('nested').execute()
          throw error
        }
      },
    })
    return {
      transaction: async (body) => {
        const trx = await db.startTransaction().execute()
        try {
          const value = await body(ownOf(trx))
          await trx.commit().execute()
          return value
        } catch (error) {
          await trx
            .rollback()
            .execute()
            .catch(() => undefined)
          throw error
        }
      },
      // @ts-expect-error no transaction
      joinRoot: () => kyselyTransaction(db),
      close: () => db.destroy(),
    }
  },
}

const kyselyCallback: Library = {
  name: 'Kysely, by callback',
  survivesTermination: true,
  open: (url, options) => {
    const db = new Kysely<object>({ dialect: new PostgresDialect({ pool: nodePostgres(url, options.connectionsMax) }) })
    return {
      transaction: (body) =>
        db.transaction().execute((trx) => {
          const run = (text: string) => kyselySql.raw(text).execute(trx)
          const own: OwnTransaction = {
            joined: kyselyTransaction(trx),
            run,
            nested: async (nested) => {
              await run('SAVEPOINT nested')
              try {
                await nested(own)
                await run('RELEASE SAVEPOINT nested')
              } catch (error) {
                await run('ROLLBACK TO SAVEPOINT nested')
                throw error
              }
            },
          }
          return body(own)
        }),
      // @ts-expect-error no transaction
      joinRoot: () => kyselyTransaction(db),
      close: () => db.destroy(),
    }
  },
}

interface DrizzleOwn extends DrizzleTransaction {
  transaction<T>(body: (tx: DrizzleOwn) => Promise<T>): Promise<T>
}

function drizzleOwnOf(tx: DrizzleOwn): OwnTransaction {
  return {
    joined: drizzleTransaction(tx),
    run: async (text) => tx.execute(drizzleSql.raw(text)),
    nested: (body) => tx.transaction((nested) => body(drizzleOwnOf(nested))),
  }
}

const drizzleOnPg: Library = {
  name: 'Drizzle on node-postgres',
  survivesTermination: true,
  open: (url, { connectionsMax }) => {
    const pool = nodePostgres(url, connectionsMax)
    const db = drizzleNodePostgres(pool)
    return {
      transaction: (body) => db.transaction((tx) => body(drizzleOwnOf(tx))),
      // @ts-expect-error no transaction
      joinRoot: () => drizzleTransaction(db),
      close: () => pool.end(),
    }
  },
}

const drizzleOnPostgresJs: Library = {
  name: 'Drizzle on postgres.js',
  survivesTermination: false,
  open: (url, { connectionsMax }) => {
    const sql = postgres(url, { max: connectionsMax, onnotice: () => undefined })
    const db = drizzlePostgresJs(sql)
    return {
      transaction: (body) => db.transaction((tx) => body(drizzleOwnOf(tx))),
      // @ts-expect-error no transaction
      joinRoot: () => drizzleTransaction(db),
      close: () => sql.end(),
    }
  },
}

const prisma: Library = {
  name: 'Prisma',
  survivesTermination: true,
  open: (url, { connectionsMax }) => {
    const client = new PrismaClient({ adapter: new PrismaPg(nodePostgres(url, connectionsMax), { disposeExternalPool: true }) })
    const own = (tx: PrismaTransaction): OwnTransaction => ({
      joined: prismaTransaction(tx),
      run: (text) => Promise.resolve(tx.$executeRawUnsafe(text)),
      nested: async (body) => {
        await tx.$executeRawUnsafe('SAVEPOINT nested')
        try {
          await body(own(tx))
          await tx.$executeRawUnsafe('RELEASE SAVEPOINT nested')
        } catch (error) {
          await tx.$executeRawUnsafe('ROLLBACK TO SAVEPOINT nested')
          throw error
        }
      },
    })
    return {
      transaction: (body) => client.$transaction((tx) => body(own(tx)), { timeout: PATIENCE_MS, maxWait: PATIENCE_MS }),
      // @ts-expect-error no transaction
      joinRoot: () => prismaTransaction(client),
      close: () => client.$disconnect(),
    }
  },
}

/** Every library that an adapter is for, and every driver. */
export const LIBRARIES: readonly Library[] = [pg, postgresJs, kysely, kyselyCallback, drizzleOnPg, drizzleOnPostgresJs, prisma]
