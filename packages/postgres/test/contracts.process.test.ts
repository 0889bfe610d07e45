import type { Database } from 'seaworthy/core'
import {
  type PostgresDatabase,
  type SchemaComponent,
  consumerStoreSchema,
  eventStoreSchema,
  inboxStoreSchema,
  leaseStoreSchema,
  migrate,
  openPostgresQueue,
  outboxStoreSchema,
  participantStoreSchema,
  postgresConsumerStore,
  postgresEventStore,
  postgresInboxStore,
  postgresLeaseStore,
  postgresOutboxStore,
  postgresParticipantStore,
  postgresProjectionStore,
  postgresReadStore,
  postgresSagaStore,
  postgresSubjectStore,
  projectionStoreSchema,
  queueSchema,
  readStoreSchema,
  sagaStoreSchema,
  subjectStoreSchema,
} from '@seaworthy/postgres'
import {
  VirtualClock,
  consumerStoreContract,
  databaseContract,
  eventStoreContract,
  inboxStoreContract,
  leaseStoreContract,
  outboxStoreContract,
  participantStoreContract,
  projectionStoreContract,
  queueContract,
  readStoreContract,
  sagaStoreContract,
  subjectStoreContract,
  tableProjectionContract,
} from '@seaworthy/testing'
import { freezeServerClock } from './frozen-clock.ts'
import { databaseForTest } from './server.ts'

// All on one server: the start of another would take longer than any of these suites.

interface Under<Store> {
  readonly database: Database
  readonly store: Store
  readonly reopen: () => Promise<Under<Store>>
  readonly dispose: () => Promise<void>
}

/** A store in an empty schema, and in the same one again after a restart. */
async function under<Store>(schema: SchemaComponent, open: (database: PostgresDatabase) => Store): Promise<Under<Store>> {
  const { database, openAnother, dispose } = await databaseForTest()
  await migrate(database, [schema])
  const on = (database: PostgresDatabase): Under<Store> => ({
    database,
    store: open(database),
    reopen: async () => {
      await database.close()
      return on(await openAnother())
    },
    dispose,
  })
  return on(database)
}

databaseContract('PostgreSQL', async () => {
  const { database, openAnother, dispose } = await databaseForTest()
  return { database, crash: openAnother, dispose }
})
outboxStoreContract('PostgreSQL', (options) => under(outboxStoreSchema, (database) => postgresOutboxStore(database, options)))
inboxStoreContract('PostgreSQL', (options) => under(inboxStoreSchema, (database) => postgresInboxStore(database, options)))
consumerStoreContract('PostgreSQL', () => under(consumerStoreSchema, postgresConsumerStore))
eventStoreContract('PostgreSQL', () => under(eventStoreSchema, postgresEventStore))
subjectStoreContract('PostgreSQL', async () => {
  const { database, dispose } = await databaseForTest()
  await migrate(database, [eventStoreSchema, subjectStoreSchema])
  return { database, store: postgresEventStore(database), subjects: postgresSubjectStore(database), dispose }
})
projectionStoreContract('PostgreSQL', () => under(projectionStoreSchema, postgresProjectionStore))
tableProjectionContract('PostgreSQL', async () => {
  const { database, dispose } = await databaseForTest()
  await migrate(database, [eventStoreSchema, projectionStoreSchema])
  return { source: postgresEventStore(database), events: database, database, store: postgresProjectionStore(database), dispose }
})
readStoreContract('PostgreSQL', () => under(readStoreSchema, postgresReadStore))
sagaStoreContract('PostgreSQL', () => under(sagaStoreSchema, postgresSagaStore))
participantStoreContract('PostgreSQL', () => under(participantStoreSchema, postgresParticipantStore))

queueContract('PostgreSQL', async () => {
  const { database, openAnother, connect, dispose } = await databaseForTest()
  await migrate(database, [queueSchema])
  const passOnServer = await freezeServerClock(database, await connect())
  const clock = new VirtualClock()
  const options = { name: 'jobs', deliveryLimit: 3, dedupeWindowMs: 60_000, clock }
  const queue = openPostgresQueue(database, options)
  return {
    queue,
    pass: async (ms) => {
      await passOnServer(ms)
      await clock.advance(ms)
      // Rings the bell: whoever looked at the server before, and waits for a time that is over there, looks again.
      await queue.requeueDead([])
    },
    crash: async () => openPostgresQueue(await openAnother(), options),
    dispose,
  }
})

leaseStoreContract('PostgreSQL', async () => {
  const { database, connect, dispose } = await databaseForTest()
  await migrate(database, [leaseStoreSchema])
  return { database, store: postgresLeaseStore(database), pass: await freezeServerClock(database, await connect()), dispose }
})
