import { type Clock, sleep } from 'seaworthy/core'
import { type Consumer, type ConsumerStore, type EventLog, type MessageHandler, startConsumer } from 'seaworthy/messaging'
import { inbox, outbox, type Relay, startRelay } from 'seaworthy/outbox'
import { participant } from 'seaworthy/saga'
import {
  consumerStoreSchema,
  inboxStoreSchema,
  outboxStoreSchema,
  participantStoreSchema,
  type SchemaComponent,
  type SqliteDatabase,
  sqliteConsumerStore,
  sqliteInboxStore,
  sqliteOutboxStore,
  sqliteParticipantStore,
} from 'seaworthy/sqlite'
import type { Service } from 'seaworthy/system'
import { forgetOldKeys } from './forget-old-keys.ts'
import type { ConsumedEventHandler, ServiceLogger, ServicePorts } from './service-ports.ts'
import type { Switches } from './switches.ts'

/** The tables of what every service has. */
export const PARTS_SCHEMA: readonly SchemaComponent[] = [outboxStoreSchema, inboxStoreSchema, consumerStoreSchema, participantStoreSchema]

const HANDLERS_AT_ONCE_MAX = 16
const OFFSETS_COMMIT_MS = 1_000
const RELAY_FLUSH_MS = 500

/** What the parts stand on. */
export interface Ground {
  readonly service: Service
  /** The service's own, with {@link PARTS_SCHEMA}. */
  readonly database: SqliteDatabase
  readonly log: EventLog
  readonly switches: Switches
  readonly clock: Clock
  readonly logger: ServiceLogger
  readonly onStop: ServicePorts['onStop']
  /** Told of the relay, which can be asked how it is. */
  readonly onRelay: (relay: Relay) => void
  /** Told of the consumer, once it is at work. */
  readonly onConsumer: (consumer: Consumer, store: ConsumerStore) => void
}

/** Starts what every service has: an outbox and its relay, a participant and the keeping of its keys, a consumer behind an inbox. */
export function startParts(ground: Ground): Pick<ServicePorts, 'outbox' | 'participant' | 'consume' | 'consumeByItself'> {
  const { service, database, log, switches, clock, logger, onStop, onRelay } = ground
  const outboxStore = sqliteOutboxStore(database)
  const relay = startRelay({ store: outboxStore, log })
  onStop('relay', () => flushAndStop(relay, clock))
  onRelay(relay)
  const participantStore = sqliteParticipantStore(database)
  onStop('key keeping', forgetOldKeys({ store: participantStore, clock, logger }))
  return {
    outbox: outbox({ store: outboxStore, topics: service.publishes }),
    participant: participant({
      database,
      store: participantStore,
      ...(!switches.has('idempotency-keys') && { unsafe: { idempotencyKeys: 'ignored' } }),
    }),
    consume: (handler) => consume(behindInbox(handler, ground), ground),
    consumeByItself: (handler) => consume(handler, ground),
  }
}

/** Handles each event once: in the transaction that remembers it. */
function behindInbox(handler: ConsumedEventHandler, { service, database, switches }: Ground): MessageHandler {
  if (switches.has('inbox')) return inbox({ store: sqliteInboxStore(database), database, consumer: service.name }).handle(handler)
  return (event, attempt) =>
    database.transaction((tx) => handler(event, tx, attempt), { signal: attempt.signal, timeoutMs: attempt.timeoutMs })
}

async function consume(handler: MessageHandler, { service, database, log, logger, onStop, onConsumer }: Ground): Promise<void> {
  const store = sqliteConsumerStore(database)
  const consumer = await startConsumer({
    log,
    group: service.name,
    topics: service.consumes,
    handler,
    store,
    onPoison: 'park-key',
    concurrencyMax: HANDLERS_AT_ONCE_MAX,
    // What a crash brings again is what the inbox is for, and each commit of offsets is an fsync.
    commitEveryMs: OFFSETS_COMMIT_MS,
  })
  onConsumer(consumer, store)
  // It stays up, not ready, so that what it says about itself can still be asked for.
  consumer.done.catch((error: unknown) => logger.fatal({ err: error }, 'the consumer stopped by itself'))
  onStop('consumer', () => consumer.stop())
}

/** What is not flushed in time is not lost: it waits in the outbox for the next start. */
async function flushAndStop(relay: Relay, clock: Clock): Promise<void> {
  const deadlineMs = clock.monotonicMs() + RELAY_FLUSH_MS
  try {
    while ((await relay.status()).backlog.messages > 0 && clock.monotonicMs() < deadlineMs) await sleep(clock, 10)
  } finally {
    await relay.stop()
  }
}
