import { type Clock, type Database, sleep } from 'seaworthy/core'
import { type Consumer, type ConsumerStore, type EventLog, type MessageHandler, startConsumer } from 'seaworthy/messaging'
import { inbox, outbox, type Relay, startRelay } from 'seaworthy/outbox'
import { participant } from 'seaworthy/saga'
import { type Service, assertDeclared } from 'seaworthy/system'
import type { RelayedOutboxStore, Stores } from './engines/stores.ts'
import { forgetOldKeys } from './forget-old-keys.ts'
import type { ConsumedEventHandler, ServiceLogger, ServicePorts } from './service-ports.ts'
import type { Switches } from './switches.ts'

const HANDLERS_AT_ONCE_MAX = 16
const OFFSETS_COMMIT_MS = 1_000
const RELAY_FLUSH_MS = 500

/** What the parts stand on. */
export interface Ground {
  readonly service: Service
  /** The service's own. */
  readonly database: Database
  readonly stores: Stores
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
  const { service, database, stores, log, switches, clock, logger, onStop, onRelay } = ground
  const outboxStore = stores.outbox()
  const relay = startRelay({ store: outboxStore, log })
  onStop('relay', () => flushAndStop(relay, outboxStore, clock))
  onRelay(relay)
  const participantStore = stores.participant()
  onStop('key keeping', forgetOldKeys({ store: participantStore, clock, logger }))
  return {
    outbox: outbox({ store: outboxStore, topics: service.publishes, types: service.emits.map(({ type }) => type) }),
    participant: participant({
      database,
      store: participantStore,
      ...(!switches.has('idempotency-keys') && { unsafe: { idempotencyKeys: 'ignored' } }),
    }),
    async consume(handler, { beforehand } = {}) {
      const inboxed = behindInbox(handler, ground)
      if (beforehand === undefined) {
        assertDeclared(service, handler)
        return consume(inboxed, ground)
      }
      assertDeclared(service, { types: [...new Set([...beforehand.types, ...handler.types])] })
      const inTurn: MessageHandler = async (event, attempt) => {
        await beforehand(event, attempt)
        await inboxed(event, attempt)
      }
      return consume(inTurn, ground)
    },
    async consumeByItself(handler) {
      assertDeclared(service, handler)
      await consume(handler, ground)
    },
  }
}

/** Handles each event once: in the transaction that remembers it. */
function behindInbox(handler: ConsumedEventHandler, { service, database, stores, switches }: Ground): MessageHandler {
  if (switches.has('inbox')) return inbox({ store: stores.inbox(), database, consumer: service.name }).handle(handler)
  return (event, attempt) =>
    database.transaction((tx) => handler(event, tx, attempt), { signal: attempt.signal, timeoutMs: attempt.timeoutMs })
}

async function consume(handler: MessageHandler, { service, stores, log, logger, onStop, onConsumer }: Ground): Promise<void> {
  const store = stores.consumer()
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
async function flushAndStop(relay: Relay, store: RelayedOutboxStore, clock: Clock): Promise<void> {
  const deadlineMs = clock.monotonicMs() + RELAY_FLUSH_MS
  try {
    while ((await relay.status()).backlog.messages > 0 && clock.monotonicMs() < deadlineMs) await sleep(clock, 10)
  } finally {
    await relay.stop()
    await store.handBack?.()
  }
}
