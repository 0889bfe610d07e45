import {
  VirtualClock,
  consumerStoreContract,
  inMemoryConsumerStore,
  inMemoryDatabase,
  inMemoryInboxStore,
  inMemoryLeaseStore,
  inMemoryOutboxStore,
  inboxStoreContract,
  leaseStoreContract,
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

leaseStoreContract('in memory', async () => {
  const database = inMemoryDatabase()
  const clock = new VirtualClock()
  return { database, store: inMemoryLeaseStore({ clock }), pass: (ms) => clock.advance(ms), dispose: () => database.close() }
})
