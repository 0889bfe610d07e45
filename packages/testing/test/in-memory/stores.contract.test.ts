import {
  consumerStoreContract,
  inMemoryConsumerStore,
  inMemoryDatabase,
  inMemoryInboxStore,
  inMemoryOutboxStore,
  inboxStoreContract,
  outboxStoreContract,
} from '@seaworthy/testing'

outboxStoreContract('in memory', async (options) => {
  const database = inMemoryDatabase()
  return { database, store: inMemoryOutboxStore(options), dispose: () => database.close() }
})

inboxStoreContract('in memory', async (options) => {
  const database = inMemoryDatabase()
  return { database, store: inMemoryInboxStore(options), dispose: () => database.close() }
})

consumerStoreContract('in memory', async () => ({ store: inMemoryConsumerStore(), dispose: async () => undefined }))
