import { type GrpcImplementation, grpcClient, type GrpcServer, grpcServer } from '@seaworthy/rpc/grpc'
import { type HealthCheck, httpServer, restClient } from '@seaworthy/rpc/rest'
import { injectedFaults } from '@seaworthy/supervisor/injected-faults'
import { type Answer, answerSupervisor, messageManagement, type Questions, resilienceAnswers } from '@seaworthy/supervisor/management'
import { destinationsFrom, redactedJson, startTelemetry, type Telemetry } from '@seaworthy/telemetry'
import { ConfigurationError, newId, systemClock } from 'seaworthy/core'
import type { Policy } from 'seaworthy/resilience'
import { calleeOf, type Lifecycle, lifecycle, onTerminationSignals, type Service } from 'seaworthy/system'
import { ALWAYS_OWNED } from './always-owned.ts'
import { enginesOf } from './engines/engines.ts'
import { enginesThatCrash, readCrashAt } from './crash-at.ts'
import { logDiskFailures } from './log-disk-failures.ts'
import { servingPagesOn } from './pages.ts'
import { lockHolder } from './lock-holder.ts'
import { serveMetrics } from './metrics.ts'
import { type ProcessContract, readProcessContract } from './process-contract.ts'
import { seeding } from './seed.ts'
import { openGround } from './service-ground.ts'
import { startParts } from './service-parts.ts'
import { type Connections, declaredPolicy, type ServiceComposition, servingOn } from './service-ports.ts'
import { sufferingOverGrpc, sufferOverHttp } from './suffering.ts'
import { readSwitches } from './switches.ts'

/**
 * Runs a service as a process: reads the process contract, opens what the service owns, wires it, takes work, and drains when told to stop, in this order:
 * intake, handlers and workers, relay, event log, database, telemetry. Ends the process, also when it cannot start.
 */
export async function runService(composition: ServiceComposition): Promise<void> {
  const contract = readProcessContract()
  const telemetry = startTelemetry({
    service: contract.service,
    instance: contract.instance,
    otlpUrl: contract.otlpUrl,
    destinations: destinationsFrom(process.env),
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
    await start(composition, { contract, logger, metrics: telemetry.metrics, life })
    life.ready()
    logger.info({ httpPort: contract.httpPort, grpcPort: contract.grpcPort }, 'ready')
  } catch (error) {
    logger.fatal({ err: error }, 'the process cannot start')
    await stop('it cannot start').finally(() => process.exit(1))
  }
}

interface Parts extends Pick<Telemetry, 'logger' | 'metrics'> {
  readonly contract: ProcessContract
  readonly life: Lifecycle
}

async function start(composition: ServiceComposition, { contract, logger, metrics, life }: Parts): Promise<void> {
  const { service, schema, wire } = composition
  const switches = readSwitches()
  if (switches.missing.length > 0) logger.warn({ without: switches.missing }, 'SAFETY NETS ARE SWITCHED OFF: for tests only')
  const crashAt = await readCrashAt(service, contract)
  if (crashAt !== undefined) {
    logger.warn({ crashAt: process.env['SEAWORTHY_CRASH_AT'] }, 'THIS PROCESS WILL KILL ITSELF: for tests only')
    life.add('crash points', () => crashAt.stop())
  }

  const own = enginesOf(service, contract)
  const engines = crashAt === undefined ? own : enginesThatCrash(own, crashAt)
  // What most services have no use for is not loaded.
  const moving = contract.moving === undefined ? undefined : { contract: contract.moving, ...(await import('./moving-data.ts')) }
  const tables = [...(moving?.movingSchema(composition) ?? []), ...schema]
  const onStop = (name: string, stop: () => Promise<void> | void) => life.add(name, stop)
  // A topic that the predecessor still has is published on through that one.
  const elsewhere = contract.moving?.predecessorUrl === undefined ? undefined : composition.takesOver?.topic
  const {
    leases,
    log: ownLog,
    openQueue,
    ...ground
  } = await openGround(
    { ...composition, schema: tables },
    { engines, owns: service.publishes.filter((topic) => topic !== elsewhere), signal: life.signal, onStop },
  )
  const { database } = ground
  const diverted = elsewhere === undefined ? undefined : moving?.divertedLog(ownLog, elsewhere)
  const log = diverted?.log ?? ownLog

  const management = messageManagement({
    log,
    publishes: service.publishes,
    consumes: service.consumes,
    redacted: redactedJson,
    onRequeued: (requeued, by) =>
      'queue' in requeued
        ? logger.warn({ by, ...requeued }, 'a dead letter was put back into its queue')
        : logger.warn(
            { by, topic: requeued.letter.topic, key: requeued.letter.event.key, id: requeued.letter.event.id, outcome: requeued.outcome },
            'a dead letter was handled again',
          ),
  })
  const checks: Record<string, HealthCheck> = {}
  const parts = startParts({
    service,
    ...ground,
    log,
    switches,
    clock: systemClock,
    logger,
    onStop,
    onRelay: (relay) => management.addRelay(relay),
    onConsumer: (consumer, store) => {
      checks['consumer'] = () => consumer.status().state === 'running'
      management.addConsumer({ consumer, store, name: service.name })
    },
  })
  const http = httpServer({ port: contract.httpPort, readiness: () => life.isReady, checks, logger })
  const faults = injectedFaults({ service: service.name, holdLock: lockHolder(database) })
  onStop('injected faults', () => faults.stop())
  sufferOverHttp(http, faults)
  if (crashAt !== undefined)
    http.fastify.addHook('onSend', async (request) => crashAt.replying(`${request.method} ${request.routeOptions.url ?? ''}`))
  const owned =
    (await moving?.moveData({ composition, contract: moving.contract, database, log, diverted, http, logger, onStop })) ??
    (() => ALWAYS_OWNED)
  const implementations: GrpcImplementation[] = []
  const ownAnswers: Record<string, Answer> = {}
  const policies: Policy[] = []
  onStop(
    'metrics',
    serveMetrics(http, metrics, {
      policies,
      messages: async () => (await management.answers.messages({}, undefined)) as Questions['messages']['answer'],
      // Those that wait for a person; the counts are of all.
      sagas: () => ownAnswers['sagas']?.({ state: 'parked' }, undefined) as Promise<Questions['sagas']['answer']> | undefined,
    }),
  )
  await wire({
    ...parts,
    switches,
    // What a successor has comes from its predecessor.
    seeding: contract.moving?.predecessorUrl === undefined ? seeding : async () => undefined,
    logger,
    clock: systemClock,
    newId,
    folder: contract.dataDir,
    ...ground,
    owned,
    sharing: leases && { leases, instance: contract.instance },
    stopping: life.signal,
    openQueue: async (name, queueOptions) => {
      const queue = await openQueue(name, queueOptions)
      management.addQueue(name, queue)
      return queue
    },
    connections: connectionsOf(service, { contract, life, policies }),
    serveRest: servingOn(http),
    servePages: servingPagesOn(http),
    serveGrpc: (...offered) => {
      const served = crashAt === undefined ? offered : offered.map((one) => ({ ...one, handlers: crashAt.handlers(one.handlers) }))
      implementations.push(...served.map((one) => sufferingOverGrpc(one, faults)))
    },
    showProjection: (running) => management.addProjection(running),
    answerSupervisor: (answers) => void Object.assign(ownAnswers, answers),
    onStop,
  })

  // Once it can answer for all of them, and until they stop.
  life.add('management', answerSupervisor({ ...management.answers, ...resilienceAnswers(policies), ...ownAnswers }))
  const grpc = await startGrpc(implementations, contract, logger)
  life.add('intake', async () => {
    await Promise.all([http.drain(), grpc?.drain()])
  })
  await http.start()
}

function connectionsOf(
  service: Service,
  { contract, life, policies }: Pick<Parts, 'contract' | 'life'> & { readonly policies: Policy[] },
): Connections {
  const guard = (call: string): Policy => {
    const policy = declaredPolicy(service, call)
    policies.push(policy)
    return policy
  }
  const kept = <Client extends Disposable>(call: string, client: Client): Client => {
    life.add(`connection for ${call}`, () => client[Symbol.dispose]())
    return client
  }
  const endpointOf = (call: string) => contract.endpoint(calleeOf(call))
  return {
    grpc: (descriptor, call) => kept(call, grpcClient(descriptor, { address: endpointOf(call).grpc ?? [], policy: guard(call) })),
    rest: (api, call) => kept(call, restClient(api, { baseUrl: endpointOf(call).http, policy: guard(call) })),
  }
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
