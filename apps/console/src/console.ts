import { type Server, createServer } from 'node:http'
import { once } from 'node:events'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { ConfigurationError, type Timer, systemClock } from 'seaworthy/core'
import type { ConsoleConfig } from './config.ts'
import { createApp } from './http/app.ts'
import { LiveUpdates } from './http/live.ts'
import { IngestQueue } from './ingest-queue.ts'
import { KIND } from './otlp/model.ts'
import type { SpanRow } from './otlp/rows.ts'
import { TraceStore } from './store/trace-store.ts'
import { LatencyWindow, WINDOW_MS } from './system/latency-window.ts'
import { RunFileReader } from './system/run-file.ts'

/** A console that serves. */
export interface RunningConsole {
  /** Where the page is. */
  readonly url: string
  /** Stops taking spans, stores those that it took, and closes its file. */
  stop(): Promise<void>
}

const HOST = '127.0.0.1'
const RUN_FILE_EVERY_MS = 1_000
const PRUNE_EVERY_MS = 5_000
const CLOSE_TIMEOUT_MS = 1_000
/** Spans that are read again at the start for the figures of the last minutes. */
const RECENT_SPANS_MAX = 100_000

/** @throws ConfigurationError naming a port that is taken; SqliteOwnedError when another console has the file */
export async function startConsole(config: ConsoleConfig, options: { logger: Logger; pageFolder?: string }): Promise<RunningConsole> {
  const { logger } = options
  const store = await TraceStore.open({ path: config.databasePath, tracesMax: config.tracesMax, ageMaxMs: config.ageMaxMs })
  const figures = new LatencyWindow()
  const live = new LiveUpdates()
  const runFile = new RunFileReader(config.runFile)
  const onStored = (rows: readonly SpanRow[]): void => {
    for (const row of rows) {
      live.traceGrew(row.traceId)
      if (row.kind === KIND.server || row.kind === KIND.consumer) record(figures, row)
    }
  }
  const queue = new IngestQueue({
    store,
    onStored,
    onError: (error, spansLost) => logger.error({ err: error, spansLost }, 'spans could not be stored'),
  })
  let isReady = false
  const app = createApp({
    store,
    queue,
    runFile,
    figures,
    live,
    logger,
    hostNames: config.hostNames,
    isReady: () => isReady,
    pageFolder: options.pageFolder,
  })
  let servers: readonly Server[] = []
  try {
    for (const span of await store.entrySpansSince(systemClock.now() - WINDOW_MS, RECENT_SPANS_MAX)) {
      figures.record(span.service, { ...span, endMs: span.endUs / 1_000 })
    }
    await runFile.refresh()
    servers = await listen(app, config)
  } catch (error) {
    await app.close()
    await store.close()
    throw error
  }
  const watching = every(RUN_FILE_EVERY_MS, async () => {
    if (live.hasClients && (await runFile.refresh())) live.servicesChanged()
  })
  const pruning = every(PRUNE_EVERY_MS, async () => {
    try {
      while (await store.prune());
    } catch (error) {
      logger.error({ err: error }, 'old traces could not be deleted')
    }
  })
  isReady = true
  return {
    url: `http://${HOST}:${config.consolePort}`,
    async stop() {
      isReady = false
      watching.cancel()
      pruning.cancel()
      live.close()
      await Promise.all(servers.map(closeServer))
      await app.close()
      await queue.drain()
      await store.close()
    },
  }
}

function record(figures: LatencyWindow, row: SpanRow): void {
  figures.record(row.service, { endMs: row.endUs / 1_000, durationMs: (row.endUs - row.startUs) / 1_000, isError: row.isError })
}

/** One application behind the port for people and, if it is another, the one for the supervisor. */
async function listen(app: FastifyInstance, config: ConsoleConfig): Promise<readonly Server[]> {
  await app.ready()
  const ports = [
    { port: config.consolePort, flag: '--console-port or SEAWORTHY_CONSOLE_PORT' },
    ...(config.httpPort === config.consolePort ? [] : [{ port: config.httpPort, flag: 'SEAWORTHY_HTTP_PORT' }]),
  ]
  const servers: Server[] = []
  try {
    for (const { port, flag } of ports) {
      const server = createServer((request, response) => app.routing(request, response))
      servers.push(server)
      server.listen(port, HOST)
      try {
        await once(server, 'listening')
      } catch (cause) {
        throw new ConfigurationError(`The console cannot listen on ${HOST}:${port}. Free it, or choose another by ${flag}.`, { cause })
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

/** Repeats `work` until it is cancelled, the next turn after the last one has ended. */
function every(delayMs: number, work: () => Promise<void>): Timer {
  let isCancelled = false
  const next = (): Timer =>
    systemClock.timer(
      delayMs,
      () =>
        void work().finally(() => {
          if (!isCancelled) timer = next()
        }),
      { keepAlive: false },
    )
  let timer = next()
  return {
    cancel() {
      isCancelled = true
      timer.cancel()
    },
  }
}
