import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type InboxStoreUnderTest, type OutboxStoreUnderTest, inboxStoreContract, outboxStoreContract } from '@seaworthy/testing'
import type { Clock } from 'seaworthy/core'
import { inboxStoreSchema, migrate, openSqliteDatabase, outboxStoreSchema, sqliteInboxStore, sqliteOutboxStore } from 'seaworthy/sqlite'

outboxStoreContract('SQLite', async (options) => openOutbox(await mkdtemp(join(tmpdir(), 'seaworthy-outbox-')), options))

async function openOutbox(directory: string, options: { clock: Clock; eventBytesMax: number }): Promise<OutboxStoreUnderTest> {
  const database = await openSqliteDatabase({ path: join(directory, 'outbox.db') })
  await migrate(database, [outboxStoreSchema])
  return {
    database,
    store: sqliteOutboxStore(database, options),
    reopen: async () => {
      await database.close()
      return openOutbox(directory, options)
    },
    dispose: async () => {
      await database.close()
      await rm(directory, { recursive: true })
    },
  }
}

inboxStoreContract('SQLite', async (options) => openInbox(await mkdtemp(join(tmpdir(), 'seaworthy-inbox-')), options))

async function openInbox(directory: string, options: { clock: Clock }): Promise<InboxStoreUnderTest> {
  const database = await openSqliteDatabase({ path: join(directory, 'inbox.db') })
  await migrate(database, [inboxStoreSchema])
  return {
    database,
    store: sqliteInboxStore(database, options),
    reopen: async () => {
      await database.close()
      return openInbox(directory, options)
    },
    dispose: async () => {
      await database.close()
      await rm(directory, { recursive: true })
    },
  }
}
