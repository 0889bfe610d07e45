import type { Database } from 'seaworthy/core'
import {
  type PostgresDatabase,
  type SchemaComponent,
  consumerStoreSchema,
  eventStoreSchema,
  inboxStoreSchema,
  migrate,
  outboxStoreSchema,
  participantStoreSchema,
  postgresConsumerStore,
  postgresEventStore,
  postgresInboxStore,
  postgresOutboxStore,
  postgresParticipantStore,
  postgresProjectionStore,
  postgresSagaStore,
  projectionStoreSchema,
  sagaStoreSchema,
} from '@seaworthy/postgres'
import {
  consumerStoreContract,
  eventStoreContract,
  inboxStoreContract,
  outboxStoreContract,
  participantStoreContract,
  projectionStoreContract,
  sagaStoreContract,
} from '@seaworthy/testing'
import { databaseForTest } from './server.ts'

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

outboxStoreContract('PostgreSQL', (options) => under(outboxStoreSchema, (database) => postgresOutboxStore(database, options)))
inboxStoreContract('PostgreSQL', (options) => under(inboxStoreSchema, (database) => postgresInboxStore(database, options)))
consumerStoreContract('PostgreSQL', () => under(consumerStoreSchema, postgresConsumerStore))
eventStoreContract('PostgreSQL', () => under(eventStoreSchema, postgresEventStore))
projectionStoreContract('PostgreSQL', () => under(projectionStoreSchema, postgresProjectionStore))
sagaStoreContract('PostgreSQL', () => under(sagaStoreSchema, postgresSagaStore))
participantStoreContract('PostgreSQL', () => under(participantStoreSchema, postgresParticipantStore))
