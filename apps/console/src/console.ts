import type { Server } from 'node:http'
import { once } from 'node:events'
import { dirname } from 'node:path'
import { dataDirectoryPaths } from '@seaworthy/supervisor'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { ConfigurationError, sleep, systemClock } from 'seaworthy/core'
import type { Lifecycle } from 'seaworthy/system'
import { accessBy } from './access.ts'
import type { ConsoleConfig } from './config.ts'
import { createApp } from './http/app.ts'
import { LiveUpdates } from './http/live.ts'
import { httpServer } from './http/server.ts'
import { IngestQueue } from './ingest-queue.ts'
import { Admission } from './intake/admission.ts'
import { logSignal } from './intake/logs.ts'
import { traceSignal } from './intake/traces.ts'
import { LogFolder } from './logs/log-folder.ts'
import type { LogRow } from './logs/log-row.ts'
import { openLogStore } from './logs/open-log-store.ts'
import { MINUTES_MAX } from './map/edge-window.ts'
import { ServiceMap } from './map/service-map.ts'
import { KIND } from './otlp/model.ts'
import type { SpanRow } from './otlp/rows.ts'
import { openTraceStore } from './store/open-trace-store.ts'
import { LatencyWindow, WINDOW_MS } from './system/latency-window.ts'
import { RunFileReader } from './system/run-file.ts'
import { type Told, toldByProcesses } from './system/told.ts'

export interface ConsoleOptions {
  readonly logger: Logger
  /** The parts of the console are stopped by it, and `/readyz` answers by it. */
  readonly life: Lifecycle
  /** Folder of the built page. */
  readonly pageFolder?: string
  /** What processes tell of themselves. Default: as they tell it. */
  readonly told?: Partial<Told>
}

/** Of the supervisor's health checks. */
const HOST = '127.0.0.1'
const RUN_FILE_EVERY_MS = 1_000
const LOGS_EVERY_MS = 500
const PRUNE_EVERY_MS = 5_000
const CLOSE_TIMEOUT_MS = 1_000
/** Spans that are read again at the start for the figures of the last minutes. */
const RECENT_SPANS_MAX = 100_000
const MAP_SINCE_MS = MINUTES_MAX * 60_000

/**
 * Opens the file, serves, and watches. When the life ends: no new spans, those that were taken are stored, the file is closed.
 * @throws ConfigurationError naming a port that is taken; SqliteOwnedError when another console has the file
 */
export async function startConsole(config: ConsoleConfig, { logger, life, pageFolder, told }: ConsoleOptions): Promise<void> {
  const { databasePath: path, tracesMax, bytesMax, ageMaxMs, keptAgeMaxMs } = config
  const onDamaged = (error: Error, setAside: string): void =>
    logger.warn({ err: error }, `a file was damaged and lies in ${setAside} now; the console begins a new one`)
  const store = await openTraceStore({ path, tracesMax, bytesMax, ageMaxMs, keptAgeMaxMs }, onDamaged)
  life.add('traces', () => store.close())
  const logs = await openLogStore(config, onDamaged)
  life.add('logs', () => logs.close())
  const figures = new LatencyWindow()
  for (const span of await store.entrySpansSince(systemClock.now() - WINDOW_MS, RECENT_SPANS_MAX)) {
    figures.record(span.service, { ...span, endMs: span.endUs / 1_000 })
  }
  const live = new LiveUpdates()
  const onStored = (rows: readonly SpanRow[]): void => {
    for (const row of rows) {
      live.traceGrew(row.traceId)
      if (row.kind === KIND.server || row.kind === KIND.consumer) record(figures, row)
    }
  }
  const onError = (error: unknown, spansLost: number): void => logger.error({ err: error, spansLost }, 'spans could not be stored')
  const map = new ServiceMap()
  map.observe(await store.callSpansSince(systemClock.now() - MAP_SINCE_MS, RECENT_SPANS_MAX))
  const storing = {
    write: (rows: readonly SpanRow[]) => store.write(rows, map.observe(rows)),
    isFull: () => store.isFull(),
    prune: () => store.prune(),
  }
  const queue = new IngestQueue({ store: storing, onStored, onError })
  life.add('ingest', () => queue.drain())
  const logQueue = new IngestQueue<LogRow>({
    store: logs,
    onStored: () => undefined,
    onError: (error, recordsLost) => logger.error({ err: error, recordsLost }, 'log records could not be stored'),
  })
  life.add('ingest of logs', () => logQueue.drain())

  const runFile = new RunFileReader(config.runFile)
  await runFile.refresh()
  const isReady = (): boolean => life.isReady
  const run = async () => {
    await runFile.refresh()
    return runFile.state
  }
  const signals = [traceSignal(queue), logSignal(logQueue)]
  const admission = new Admission()
  const app = createApp({
    store,
    logs,
    logQueue,
    signals,
    map,
    admission,
    queue,
    runFile,
    figures,
    // Labs leave theirs in the data directory of the system that the console belongs to.
    labsDir: config.runFile && dataDirectoryPaths(dirname(config.runFile)).labs,
    live,
    logger,
    hostNames: [config.address, ...config.hostNames],
    token: config.token,
    isReady,
    pageFolder,
    ...toldByProcesses({ ...config, run }),
    ...told,
  })
  life.add('http', () => app.close())
  for (const server of await listen(app, config)) life.add('server', () => closeServer(server))
  const { grpcPort } = config
  if (grpcPort !== undefined) {
    const { startOtlpServer } = await import('./grpc/otlp-server.ts')
    const otlp = await startOtlpServer({
      port: grpcPort,
      host: config.address,
      signals,
      admission,
      isAllowed: accessBy(config.token),
      logger,
    })
    life.add('grpc', () => otlp.close())
    logger.info({ address: `${config.address}:${otlp.port}` }, 'OTLP over gRPC is taken')
  }
  life.add('live pages', () => live.close())

  const watchRunFile = async (): Promise<void> => {
    if (live.hasClients && (await runFile.refresh())) live.servicesChanged()
  }
  const prune = async (): Promise<void> => {
    while (!life.signal.aborted && (await store.prune()));
    while (!life.signal.aborted && (await logs.prune()));
  }
  const folder =
    config.runFile === undefined ? undefined : new LogFolder({ folder: dataDirectoryPaths(dirname(config.runFile)).logs, store: logs })
  const readLogs = async (): Promise<void> => {
    while (!life.signal.aborted && (await folder?.read()) === true);
  }
  const repeating = [
    repeat(LOGS_EVERY_MS, readLogs, life.signal, logger),
    repeat(RUN_FILE_EVERY_MS, watchRunFile, life.signal, logger),
    repeat(PRUNE_EVERY_MS, prune, life.signal, logger),
  ]
  life.add('watchers', async () => void (await Promise.all(repeating)))
}

function record(figures: LatencyWindow, row: SpanRow): void {
  figures.record(row.service, { endMs: row.endUs / 1_000, durationMs: (row.endUs - row.startUs) / 1_000, isError: row.isError })
}

/** One application behind the port for people and, if it is another, the one for the supervisor. */
async function listen(app: FastifyInstance, config: ConsoleConfig): Promise<readonly Server[]> {
  await app.ready()
  const ports = [
    { host: config.address, port: config.consolePort, flag: '--console-port or SEAWORTHY_CONSOLE_PORT' },
    ...(config.httpPort === config.consolePort ? [] : [{ host: HOST, port: config.httpPort, flag: 'SEAWORTHY_HTTP_PORT' }]),
  ]
  const servers: Server[] = []
  try {
    for (const { host, port, flag } of ports) {
      const server = httpServer((request, response) => app.routing(request, response))
      servers.push(server)
      server.listen(port, host)
      try {
        await once(server, 'listening')
      } catch (cause) {
        throw new ConfigurationError(`The console cannot listen on ${host}:${port}. Free it, or choose another by ${flag}.`, { cause })
      }
    }
  } catch (error) {
    for (const server of servers) server.close()
    throw error
  }
  return servers
}

/** Requests in progress get a moment to end; a client that keeps one open does not hold up the stop. */
async function closeServer(server: Server): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  const patience = systemClock.timer(CLOSE_TIMEOUT_MS, () => server.closeAllConnections())
  await closed
  patience.cancel()
}

/** Repeats `work` until the signal, the next turn after the last one has ended. Never rejects. */
async function repeat(everyMs: number, work: () => Promise<void>, signal: AbortSignal, logger: Logger): Promise<void> {
  while (!signal.aborted) {
    try {
      await sleep(systemClock, everyMs, signal)
      await work()
    } catch (error) {
      if (!signal.aborted) logger.error({ err: error }, 'background work failed')
    }
  }
}
