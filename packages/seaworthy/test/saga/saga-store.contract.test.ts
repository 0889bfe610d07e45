import { join } from 'node:path'
import {
  migrate,
  openSqliteDatabase,
  participantStoreSchema,
  sagaStoreSchema,
  sqliteParticipantStore,
  sqliteSagaStore,
} from 'seaworthy/sqlite'
import {
  inMemoryDatabase,
  inMemoryParticipantStore,
  inMemorySagaStore,
  participantStoreContract,
  sagaStoreContract,
} from '@seaworthy/testing'
import { temporaryFolder } from '../sqlite/folder.ts'

sagaStoreContract('in memory', async () => {
  const database = inMemoryDatabase()
  return { database, store: inMemorySagaStore(database), dispose: () => database.close() }
})

participantStoreContract('in memory', async () => {
  const database = inMemoryDatabase()
  return { database, store: inMemoryParticipantStore(), dispose: () => database.close() }
})

async function sqlite() {
  const folder = temporaryFolder()
  const database = await openSqliteDatabase({ path: join(folder.path, 'sagas.db') })
  await migrate(database, [sagaStoreSchema, participantStoreSchema])
  return {
    database,
    dispose: async () => {
      await database.close()
      folder.remove()
    },
  }
}

sagaStoreContract('SQLite', async () => {
  const under = await sqlite()
  return { ...under, store: sqliteSagaStore(under.database) }
})

participantStoreContract('SQLite', async () => {
  const under = await sqlite()
  return { ...under, store: sqliteParticipantStore(under.database) }
})
