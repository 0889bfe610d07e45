import { join } from 'node:path'
import { eventStoreSchema, migrate, openSqliteDatabase, sqliteEventStore } from 'seaworthy/sqlite'
import { eventStoreContract, inMemoryDatabase, inMemoryEventStore } from '@seaworthy/testing'
import { temporaryFolder } from '../sqlite/folder.ts'

eventStoreContract('in memory', async () => {
  const database = inMemoryDatabase()
  return { database, store: inMemoryEventStore(), dispose: () => database.close() }
})

eventStoreContract('SQLite', async () => {
  const folder = temporaryFolder()
  const database = await openSqliteDatabase({ path: join(folder.path, 'events.db') })
  await migrate(database, [eventStoreSchema])
  return {
    database,
    store: sqliteEventStore(database),
    dispose: async () => {
      await database.close()
      folder.remove()
    },
  }
})
