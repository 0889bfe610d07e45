import { join } from 'node:path'
import { eventTypes, sealedEventStore } from 'seaworthy/event-sourcing'
import {
  eventStoreSchema,
  migrate,
  openSqliteDatabase,
  openSubjectKeyFile,
  sqliteEventStore,
  sqliteSubjectStore,
  subjectStoreSchema,
} from 'seaworthy/sqlite'
import { eventStoreContract, inMemoryDatabase, inMemoryEventStore, inMemorySubjectStore, subjectStoreContract } from '@seaworthy/testing'
import { temporaryFolder } from '../sqlite/folder.ts'

async function openInMemory() {
  const database = inMemoryDatabase()
  return { database, store: inMemoryEventStore(), subjects: inMemorySubjectStore(database), dispose: () => database.close() }
}

async function openSqlite() {
  const folder = temporaryFolder()
  const database = await openSqliteDatabase({ path: join(folder.path, 'events.db') })
  const keyFile = await openSubjectKeyFile({ path: join(folder.path, 'keys.db') })
  await migrate(database, [eventStoreSchema, subjectStoreSchema])
  return {
    database,
    store: sqliteEventStore(database),
    subjects: sqliteSubjectStore(database, keyFile),
    dispose: async () => {
      await database.close()
      await keyFile.close()
      folder.remove()
    },
  }
}

subjectStoreContract('in memory', openInMemory)
subjectStoreContract('SQLite', openSqlite)

// A sealed store is an event store like any other, also where every field is personal.
const personal = { subject: () => 'everybody', placeholders: { id: null, text: null, nested: null } }
const events = eventTypes<{ readonly type: 'happened' } | { readonly type: 'opened' }>({
  happened: { version: 1, personal },
  opened: { version: 3, upcast: { 1: (data) => data, 2: (data) => data }, personal },
})
eventStoreContract('SQLite, sealed', async () => {
  const under = await openSqlite()
  return { ...under, store: sealedEventStore({ ...under, events }) }
})
