import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type SqliteDatabase, type SqliteDatabaseOptions, type SqliteTransaction, openSqliteDatabase } from 'seaworthy/sqlite'
import { testFolder } from './folder.ts'

/** A database with a table of items, which is closed after the test. */
export async function openWithTable(t: TestContext, options: Partial<SqliteDatabaseOptions> = {}) {
  const path = join(testFolder(t), 'test.db')
  const database = await openSqliteDatabase({ path, ...options })
  t.after(() => database.close())
  await database.transaction((tx) => tx.script('CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT)'))
  return database
}

export const insert = (tx: SqliteTransaction, id: number) => tx.execute({ sql: 'INSERT INTO item (id) VALUES (?)', params: [id] })
export const ids = async (database: { query: SqliteTransaction['query'] }) =>
  (await database.query<{ id: number }>({ sql: 'SELECT id FROM item ORDER BY id' })).map(({ id }) => id)
export const macrotask = () => new Promise((resolve) => setImmediate(resolve))

/** A transaction whose body waits for `gate`, once that body has begun and the event loop has turned. */
export async function holdOpen(
  database: SqliteDatabase,
  gate: Promise<void>,
  body: (tx: SqliteTransaction) => Promise<unknown> = async () => undefined,
) {
  const begun = Promise.withResolvers<void>()
  const held = database.transaction(async (tx) => {
    await body(tx)
    begun.resolve()
    await gate
  })
  await begun.promise
  for (let turn = 0; turn < 3; turn++) await macrotask()
  return { held }
}
