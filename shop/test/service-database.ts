import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EventEnvelope } from 'seaworthy/messaging'
import { outbox, type Outbox, type OutboxStore } from 'seaworthy/outbox'
import { participant, type Participant } from 'seaworthy/saga'
import {
  eventStoreSchema,
  migrate,
  openSqliteDatabase,
  outboxStoreSchema,
  participantStoreSchema,
  projectionStoreSchema,
  readStoreSchema,
  sagaStoreSchema,
  type SqliteDatabase,
  sqliteOutboxStore,
  sqliteParticipantStore,
  subjectStoreSchema,
} from 'seaworthy/sqlite'
import type { ServiceSchema } from '../platform/tables.ts'

/** A service's database in a folder of the test's own, with what the library keeps in it. */
export interface ServiceDatabase extends AsyncDisposable {
  readonly database: SqliteDatabase
  readonly outbox: Outbox
  readonly outboxStore: OutboxStore
  readonly participant: Participant
  /** The folder, for files that lie beside the database. */
  readonly directory: string
  /** The events of a topic that wait for the relay: all that were published. */
  published(topic: string): Promise<readonly EventEnvelope[]>
}

export async function openServiceDatabase(...schema: readonly ServiceSchema[]): Promise<ServiceDatabase> {
  const directory = mkdtempSync(join(tmpdir(), 'seaworthy-shop-test-'))
  const database = await openSqliteDatabase({ path: join(directory, 'service.sqlite'), durability: 'process-crash' })
  const stores = [
    outboxStoreSchema,
    participantStoreSchema,
    eventStoreSchema,
    subjectStoreSchema,
    projectionStoreSchema,
    readStoreSchema,
    sagaStoreSchema,
  ]
  await migrate(database, [...stores, ...schema.map((component) => component(database.dialect))])
  const outboxStore = sqliteOutboxStore(database)
  return {
    database,
    outbox: outbox({ store: outboxStore }),
    outboxStore,
    participant: participant({ database, store: sqliteParticipantStore(database) }),
    directory,
    published: async (topic) => (await outboxStore.unsent(topic, 10_000)).map((entry) => entry.event),
    async [Symbol.asyncDispose]() {
      await database.close()
      rmSync(directory, { recursive: true })
    },
  }
}
