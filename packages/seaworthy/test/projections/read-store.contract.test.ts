import { join } from 'node:path'
import { migrate, openSqliteDatabase, readStoreSchema, sqliteReadStore } from 'seaworthy/sqlite'
import { inMemoryReadStore, readStoreContract } from '@seaworthy/testing'
import { temporaryFolder } from '../sqlite/folder.ts'

readStoreContract('in memory', async () => ({ store: inMemoryReadStore(), dispose: async () => undefined }))

readStoreContract('SQLite', async () => {
  const folder = temporaryFolder()
  const database = await openSqliteDatabase({ path: join(folder.path, 'documents.db') })
  await migrate(database, [readStoreSchema])
  return {
    store: sqliteReadStore(database),
    dispose: async () => {
      await database.close()
      folder.remove()
    },
  }
})
