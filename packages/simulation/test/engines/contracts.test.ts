import {
  consumerStoreContract,
  databaseContract,
  eventLogContract,
  eventStoreContract,
  inboxStoreContract,
  outboxStoreContract,
  participantStoreContract,
  projectionStoreContract,
  queueContract,
  readStoreContract,
  sagaStoreContract,
} from '@seaworthy/testing'
import * as sqlite from 'seaworthy/sqlite'
import { eventLogOf } from '../../src/engines/event-log.ts'
import { queueOf } from '../../src/engines/queue.ts'
import { openDatabase } from '../../src/engines/sqlite.ts'
import { StoredLog } from '../../src/engines/stored-log.ts'
import { StoredQueue } from '../../src/engines/stored-queue.ts'
import { DrivenWorld } from './driven-world.ts'

eventLogContract('simulation', async () => {
  const driven = new DrivenWorld({ timersToo: false })
  const nowMs = () => driven.world.scheduler.nowMs
  const stored = new StoredLog({ partitions: 4, nowMs })
  const open = () => eventLogOf(driven.process, stored, { owns: ['alpha', 'beta'] })
  const log = open()
  return {
    log,
    pass: (ms) => driven.pass(ms),
    nowMs,
    crash: async () => {
      driven.crash()
      return open()
    },
    dispose: async () => driven.dispose(),
  }
})

queueContract('simulation', async () => {
  const driven = new DrivenWorld({ timersToo: false })
  const stored = new StoredQueue('tested', () => driven.world.scheduler.nowMs, { deliveryLimit: 3, dedupeWindowMs: 60_000 })
  return {
    queue: queueOf(driven.process, stored),
    pass: (ms) => driven.pass(ms),
    crash: async () => queueOf(driven.crash(), stored),
    dispose: async () => driven.dispose(),
  }
})

databaseContract('simulation', async () => {
  const driven = new DrivenWorld({ timersToo: true })
  return {
    database: await openDatabase(driven.process, driven.pool, {}),
    dispose: async () => driven.dispose(),
  }
})

/** A database with these tables; opened again, it is the next life's. */
async function openStores(schema: readonly sqlite.SchemaComponent[]) {
  const driven = new DrivenWorld({ timersToo: true })
  return opened(driven, schema)
}

interface Opened {
  readonly database: sqlite.SqliteDatabase
  readonly reopened: () => Promise<Opened>
  readonly dispose: () => Promise<void>
}

async function opened(driven: DrivenWorld, schema: readonly sqlite.SchemaComponent[]): Promise<Opened> {
  const database = await openDatabase(driven.process, driven.pool, { schema })
  const reopened = () => {
    driven.crash()
    return opened(driven, schema)
  }
  return { database, reopened, dispose: async () => driven.dispose() }
}

interface StoreUnderTest<Store> {
  readonly database: sqlite.SqliteDatabase
  readonly store: Store
  readonly reopen: () => Promise<StoreUnderTest<Store>>
  readonly dispose: () => Promise<void>
}

/** The production store over a database in memory, as a contract suite wants it. */
function under<Store>({ database, dispose, reopened }: Opened, open: (database: sqlite.SqliteDatabase) => Store): StoreUnderTest<Store> {
  return { database, store: open(database), dispose, reopen: async () => under(await reopened(), open) }
}

outboxStoreContract('simulation', async (options) =>
  under(await openStores([sqlite.outboxStoreSchema]), (database) => sqlite.sqliteOutboxStore(database, options)),
)
inboxStoreContract('simulation', async (options) =>
  under(await openStores([sqlite.inboxStoreSchema]), (database) => sqlite.sqliteInboxStore(database, options)),
)
consumerStoreContract('simulation', async () => under(await openStores([sqlite.consumerStoreSchema]), sqlite.sqliteConsumerStore))
eventStoreContract('simulation', async () =>
  under(await openStores([sqlite.eventStoreSchema]), (database) => sqlite.sqliteEventStore(database)),
)
projectionStoreContract('simulation', async () => under(await openStores([sqlite.projectionStoreSchema]), sqlite.sqliteProjectionStore))
readStoreContract('simulation', async () => under(await openStores([sqlite.readStoreSchema]), sqlite.sqliteReadStore))
sagaStoreContract('simulation', async () => under(await openStores([sqlite.sagaStoreSchema]), sqlite.sqliteSagaStore))
participantStoreContract('simulation', async () => under(await openStores([sqlite.participantStoreSchema]), sqlite.sqliteParticipantStore))
