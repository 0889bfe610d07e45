import { join } from 'node:path'
import { migrate, openSqliteDatabase, projectionStoreSchema, sqliteProjectionStore } from 'seaworthy/sqlite'
import { inMemoryDatabase, inMemoryProjectionStore, projectionStoreContract } from '@seaworthy/testing'
import { temporaryFolder } from '../sqlite/folder.ts'

projectionStoreContract('in memory', async () => {
  const database = inMemoryDatabase()
  return { database, store: inMemoryProjectionStore(), dispose: () => database.close() }
})

projectionStoreContract('SQLite', async () => {
  const folder = temporaryFolder()
  const database = await openSqliteDatabase({ path: join(folder.path, 'projections.db') })
  await migrate(database, [projectionStoreSchema])
  return {
    database,
    store: sqliteProjectionStore(database),
    dispose: async () => {
      await database.close()
      folder.remove()
    },
  }
})
