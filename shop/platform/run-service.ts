import { type GrpcImplementation, type GrpcServer, grpcServer } from '@seaworthy/rpc/grpc'
import { type HealthCheck, type HttpServer, httpServer } from '@seaworthy/rpc/rest'
import { startTelemetry, type Telemetry } from '@seaworthy/telemetry'
import { join } from 'node:path'
import { type Clock, ConfigurationError, newId, type NewId, sleep, systemClock, type Transaction } from 'seaworthy/core'
import { type Attempt, type EventEnvelope, type EventLog, type Queue, startConsumer } from 'seaworthy/messaging'
import { inbox, type Outbox, outbox, type Relay, startRelay } from 'seaworthy/outbox'
import { participant, type Participant } from 'seaworthy/saga'
import {
  consumerStoreSchema,
  inboxStoreSchema,
  migrate,
  openSqliteDatabase,
  openSqliteEventLog,
  openSqliteQueue,
  outboxStoreSchema,
  participantStoreSchema,
  type SchemaComponent,
  type SqliteDatabase,
  type SqliteQueueOptions,
  sqliteConsumerStore,
  sqliteInboxStore,
  sqliteOutboxStore,
  sqliteParticipantStore,
} from 'seaworthy/sqlite'
import { type Lifecycle, lifecycle, onTerminationSignals, type Service } from 'seaworthy/system'
import { readCrashAt } from './crash-at.ts'
import { forgetOldKeys } from './forget-old-keys.ts'
import { logDiskFailures } from './log-disk-failures.ts'
import { type ProcessContract, readProcessContract } from './process-contract.ts'
import { seeding } from './seed.ts'
import { readSwitches, type Switches } from './switches.ts'

/** Handles an event in the transaction that remembers it: what it writes through `tx` happens once. */
type ConsumedEventHandler = (event: EventEnvelope, tx: Transaction, attempt: Attempt) => Promise<void>

/** What a service's `main.ts` wires its own parts to. */
interface ServiceProcess {
  readonly contract: ProcessContract
  readonly switches: Switches
  /** Calls `invent` with the number of the shop that an empty database is to be filled with; not at all if it is to stay empty. */
  readonly seeding: (invent: (seed: number) => Promise<unknown>) => Promise<void>
  readonly logger: Telemetry['logger']
  readonly clock: Clock
  readonly newId: NewId
  /** The service's own database, migrated. */
  readonly database: SqliteDatabase
  /** Publishes on the service's own topics; the relay runs in this process. */
  readonly outbox: Outbox
  readonly participant: Participant
  /** Opens a queue of the service's own, a file of that name in its folder. It closes before the database does. */
  readonly openQueue: (name: string, options: Omit<SqliteQueueOptions, 'path'>) => Promise<Queue>
  /** Add contracts to it; it listens once everything is wired. */
  readonly http: HttpServer
  /** Serves these over gRPC once everything is wired. */
  readonly serveGrpc: (...implementations: readonly GrpcImplementation[]) => void
  /** Consumes the topics that the service's declaration names, behind its inbox. */
  readonly consume: (handler: ConsumedEventHandler) => Promise<void>
  /** What is to be stopped before the database closes; what was added last is stopped first. */
  readonly onStop: (name: string, stop: () => Promise<void> | void) => void
  /** A further condition of `/readyz`. */
  readonly addCheck: (name: string, check: HealthCheck) => void
}

export interface RunServiceOptions {
  readonly service: Service
  /** The service's own tables, and those of the library's stores that it opens itself. Outbox, inbox, consumer and participant have theirs anyway. */
  readonly schema: readonly SchemaComponent[]
  /** Connects the service's parts. Runs before the process takes any work. */
  readonly wire: (process: ServiceProcess) => Promise<void>
}

const LIBRARY_SCHEMA = [outboxStoreSchema, inboxStoreSchema, consumerStoreSchema, participantStoreSchema]
const HANDLERS_AT_ONCE_MAX = 16
const OFFSETS_COMMIT_MS = 1_000
const RELAY_FLUSH_MS = 500

/**
 * Runs a service as a process: reads the process contract, opens what the service owns, wires it, takes work, and drains when told to stop, in this order:
 * intake, handlers and workers, relay, event log, database, telemetry. Ends the process, also when it cannot start.
 */
export async function runService(options: RunServiceOptions): Promise<void> {
  const contract = readProcessContract()
  const telemetry = startTelemetry({
    service: contract.service,
    instance: contract.instance,
    otlpUrl: contract.otlpUrl,
    logLevel: contract.logLevel,
  })
  const { logger } = telemetry
  process.on('uncaughtExceptionMonitor', (error) => logger.fatal({ err: error }, 'uncaught exception'))
  const life = lifecycle({ onStopError: (part, error) => logger.error({ err: error, part }, 'a part failed to stop') })
  life.add('telemetry', () => telemetry.shutdown())
  life.add('disk failures', logDiskFailures({ clock: systemClock, logger }))
  const stop = (reason: string) => {
    logger.info({ reason }, 'stopping')
    return life.stop(reason)
  }
  onTerminationSignals(stop)
  try {
    await start(options, { contract, logger, life })
    life.ready()
    logger.info({ httpPort: contract.httpPort, grpcPort: contract.grpcPort }, 'ready')
  } catch (error) {
    logger.fatal({ err: error }, 'the process cannot start')
    await stop('it cannot start').finally(() => process.exit(1))
  }
}

interface Parts {
  readonly contract: ProcessContract
  readonly logger: Telemetry['logger']
  readonly life: Lifecycle
}

async function start({ service, schema, wire }: RunServiceOptions, { contract, logger, life }: Parts): Promise<void> {
  const switches = readSwitches()
  if (switches.missing.length > 0) logger.warn({ without: switches.missing }, 'SAFETY NETS ARE SWITCHED OFF: for tests only')
  const { signal } = life
  const crashAt = await readCrashAt(service, contract)
  if (crashAt !== undefined) {
    logger.warn({ crashAt: process.env['SEAWORTHY_CRASH_AT'] }, 'THIS PROCESS WILL KILL ITSELF: for tests only')
    life.add('crash points', () => crashAt.stop())
  }

  const path = join(contract.dataDir, `${service.name}.db`)
  const database = await openSqliteDatabase({ path, signal })
  life.add('database', () => database.close())
  await migrate(database, [...LIBRARY_SCHEMA, ...schema])
  const openLog = () => openSqliteEventLog({ directory: contract.logDir, owns: service.publishes, signal })
  const log = await (crashAt === undefined ? openLog() : crashAt.eventLog(openLog))
  life.add('event log', () => log.close())

  const outboxStore = sqliteOutboxStore(database)
  const relay = startRelay({ store: outboxStore, log })
  life.add('relay', () => flushAndStop(relay))

  const participantStore = sqliteParticipantStore(database)
  life.add('key keeping', forgetOldKeys({ store: participantStore, clock: systemClock, logger }))

  const checks: Record<string, HealthCheck> = {}
  const http = httpServer({ port: contract.httpPort, readiness: () => life.isReady, checks, logger })
  if (crashAt !== undefined)
    http.fastify.addHook('onSend', async (request) => crashAt.replying(`${request.method} ${request.routeOptions.url ?? ''}`))
  const implementations: GrpcImplementation[] = []
  await wire({
    contract,
    switches,
    seeding,
    logger,
    clock: systemClock,
    newId,
    database,
    outbox: outbox({ store: outboxStore, topics: service.publishes }),
    participant: participant({
      database,
      store: participantStore,
      ...(!switches.has('idempotency-keys') && { unsafe: { idempotencyKeys: 'ignored' } }),
    }),
    openQueue: async (name, queueOptions) => {
      const open = () => openSqliteQueue({ ...queueOptions, path: join(contract.dataDir, `${name}.db`) })
      const queue = await (crashAt === undefined ? open() : crashAt.queue(name, open))
      life.add(`queue ${name}`, () => queue.close())
      return queue
    },
    http,
    serveGrpc: (...more) => {
      const served = crashAt === undefined ? more : more.map((one) => ({ ...one, handlers: crashAt.handlers(one.handlers) }))
      implementations.push(...served)
    },
    consume: (handler) => consume(handler, { service, database, log, switches, life, checks, logger }),
    onStop: (name, stop) => life.add(name, stop),
    addCheck: (name, check) => {
      checks[name] = check
    },
  })

  const grpc = await startGrpc(implementations, contract, logger)
  life.add('intake', async () => {
    await Promise.all([http.drain(), grpc?.drain()])
  })
  await http.start()
}

async function startGrpc(
  services: readonly GrpcImplementation[],
  contract: ProcessContract,
  logger: Telemetry['logger'],
): Promise<GrpcServer | undefined> {
  if (services.length === 0) return undefined
  if (contract.grpcPort === undefined) {
    throw new ConfigurationError(
      `${contract.service} serves gRPC, but was given no SEAWORTHY_GRPC_PORT. Declare that it serves grpc in its service.ts.`,
    )
  }
  const server = grpcServer({ port: contract.grpcPort, services, logger })
  await server.start()
  return server
}

interface ConsumeParts {
  readonly service: Service
  readonly database: SqliteDatabase
  readonly log: EventLog
  readonly switches: Switches
  readonly life: Lifecycle
  readonly checks: Record<string, HealthCheck>
  readonly logger: Telemetry['logger']
}

async function consume(
  handler: ConsumedEventHandler,
  { service, database, log, switches, life, checks, logger }: ConsumeParts,
): Promise<void> {
  const group = service.name
  const remembered = inbox({ store: sqliteInboxStore(database), database, consumer: group })
  const consumer = await startConsumer({
    log,
    group,
    topics: service.consumes,
    handler: switches.has('inbox')
      ? remembered.handle(handler)
      : (event, attempt) =>
          database.transaction((tx) => handler(event, tx, attempt), { signal: attempt.signal, timeoutMs: attempt.timeoutMs }),
    store: sqliteConsumerStore(database),
    onPoison: 'park-key',
    concurrencyMax: HANDLERS_AT_ONCE_MAX,
    // What a crash brings again is what the inbox is for, and each commit of offsets is an fsync.
    commitEveryMs: OFFSETS_COMMIT_MS,
  })
  checks['consumer'] = () => consumer.status().state === 'running'
  // It stays up, not ready, so that what it says about itself can still be asked for.
  consumer.done.catch((error: unknown) => logger.fatal({ err: error }, 'the consumer stopped by itself'))
  life.add('consumer', () => consumer.stop())
}

/** What is not flushed in time is not lost: it waits in the outbox for the next start. */
async function flushAndStop(relay: Relay): Promise<void> {
  const deadlineMs = systemClock.monotonicMs() + RELAY_FLUSH_MS
  try {
    while ((await relay.status()).backlog.messages > 0 && systemClock.monotonicMs() < deadlineMs) await sleep(systemClock, 10)
  } finally {
    await relay.stop()
  }
}
