import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ConsumerStoreUnderTest, consumerStoreContract } from '@seaworthy/testing'
import { consumerStoreSchema, migrate, openSqliteDatabase, sqliteConsumerStore } from 'seaworthy/sqlite'

consumerStoreContract('SQLite', async () => open(await mkdtemp(join(tmpdir(), 'seaworthy-consumer-'))))

async function open(directory: string): Promise<ConsumerStoreUnderTest> {
  const database = await openSqliteDatabase({ path: join(directory, 'consumer.db') })
  await migrate(database, [consumerStoreSchema])
  return {
    store: sqliteConsumerStore(database),
    reopen: async () => {
      await database.close()
      return open(directory)
    },
    dispose: async () => {
      await database.close()
      await rm(directory, { recursive: true })
    },
  }
}
