import { performance } from 'node:perf_hooks'
import { resourceFromAttributes } from '@opentelemetry/resources'
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace'
import type { DestinationStream, LevelWithSilent, Logger } from 'pino'
import { systemClock } from 'seaworthy/core'
import { type Destination, waysOf } from './destinations.ts'
import { logDiagnostics } from './diagnostic-logs.ts'
import { exportFamilies, sumOf } from './export-families.ts'
import { ExportQueue, type ExportStatus, type ExportTrouble } from './export-queue.ts'
import { logTrouble } from './export-trouble.ts'
import { LogExport } from './log-export.ts'
import { createLogger } from './logger.ts'
import { MetricExport } from './metric-export.ts'
import type { OtlpSignal } from './otlp/items.ts'
import { type Prometheus, type PrometheusOptions, prometheus } from './prometheus.ts'
import { spansInto } from './span-queue.ts'
import { standardOutput } from './standard-output.ts'
import { startTracing } from './tracing.ts'

export interface TelemetryOptions {
  /** The service's name, as in `orders`. */
  readonly service: string
  /** This process among those of the service, as in `orders-1`. */
  readonly instance: string
  /** Base URL of the console, or of another OTLP collector: spans go there, and nothing else, because the console reads logs where they are printed and keeps no metrics. */
  readonly otlpUrl?: string | undefined
  /** Whether there are spans. Default true. False: trace headers are handed on as they came in, and a request costs no more than its log lines. */
  readonly tracing?: boolean | undefined
  /**
   * Where spans, metrics and log records go besides. Each has a queue of its own, so that none waits for another: `destinationsFrom(process.env)` reads OpenTelemetry's
   * variables. Without any, spans are made for logs and for headers, metrics are scraped, and log lines are printed.
   */
  readonly destinations?: readonly Destination[] | undefined
  /** What `metrics` tells. */
  readonly metrics?: PrometheusOptions | undefined
  /** Default `info`. */
  readonly logLevel?: LevelWithSilent | undefined
  /** Where log lines are printed. Default: standard output. */
  readonly logDestination?: DestinationStream | undefined
  /** The share of traces begun here that are recorded, 0 to 1. Default 1. A trace begun elsewhere keeps its beginner's decision. */
  readonly sampleRatio?: number | undefined
  /** Spans kept for each destination while it is away; beyond it the oldest are dropped and counted. Default 8,192. */
  readonly spanQueueMax?: number | undefined
  /** Further receivers of spans: an exporter of OpenTelemetry's, or a test. */
  readonly spanProcessors?: readonly SpanProcessor[] | undefined
  /** Whether the first span of this process in each trace says what the process did meanwhile: CPU, event loop, blocked event loop. Default true. */
  readonly processFacts?: boolean | undefined
}

export interface Telemetry {
  readonly logger: Logger
  /** What the process tells: `await metrics.scrape()` answers `GET /metrics`. Measured from the first use, and from the start where there is a destination for it. */
  readonly metrics: Prometheus
  /** What became of the spans so far, or of metrics (in data points) or log records. With several destinations, each counts once for each. */
  exportStatus(signal?: OtlpSignal): ExportStatus
  /** Sends what waits, for at most 500 ms, and gives OpenTelemetry's global places back. Never rejects. */
  shutdown(): Promise<void>
}

/**
 * Sets a process up: every operation of the library becomes a span and is measured, every log line has the ids of the work in progress, and all of it goes to the
 * destinations. Call it first in `main.ts`, once.
 * @throws ConfigurationError when the process has an OpenTelemetry SDK already, or an option does not make sense
 */
export function startTelemetry(options: TelemetryOptions): Telemetry {
  const { service, instance, otlpUrl, destinations = [], tracing = true } = options
  const clock = systemClock
  const resource = resourceFromAttributes({ 'service.name': service, 'service.instance.id': instance, 'process.pid': process.pid })
  const loggerTo = (destination: DestinationStream | undefined) =>
    createLogger({
      service,
      instance,
      ...(options.logLevel !== undefined && { level: options.logLevel }),
      ...(destination && { destination }),
    })

  // Before anything is taken or begun: what does not make sense leaves the process as it was.
  const consoles = otlpUrl === undefined ? [] : [{ kind: 'otlp' as const, url: otlpUrl }]
  const spanWays = tracing ? waysOf('traces', [...consoles, ...destinations]) : []
  const metricWays = waysOf('metrics', destinations)
  const logWays = waysOf('logs', destinations)
  const printed = options.logDestination ?? (logWays.length === 0 ? undefined : standardOutput())
  const printer = loggerTo(printed)
  // What goes wrong with log records is printed alone: sent on, it would go wrong again.
  const onLogTrouble = (to: string, trouble: ExportTrouble) => logTrouble(printer, { signal: 'logs', to, trouble })
  const logs =
    printed && logWays.length > 0 ? new LogExport({ ways: logWays, resource, clock, printed, onTrouble: onLogTrouble }) : undefined
  const logger = logs === undefined ? printer : loggerTo(logs)

  const spans = spanWays.map(
    ({ to, transport }) =>
      new ExportQueue<ReadableSpan>({
        transport,
        clock,
        ...(options.spanQueueMax !== undefined && { queueMax: options.spanQueueMax }),
        onTrouble: (trouble) => logTrouble(logger, { signal: 'traces', to, trouble }),
      }),
  )
  const stopTracing = tracing
    ? startTracing({
        service,
        resource,
        sampleRatio: options.sampleRatio ?? 1,
        processFacts: options.processFacts ?? true,
        spanProcessors: [...spans.map(spansInto), ...(options.spanProcessors ?? [])],
        logger,
      })
    : undefined
  const stopDiagnostics = logDiagnostics(logger)

  let told: Prometheus | undefined
  const statuses = (): Readonly<Record<OtlpSignal, readonly ExportStatus[]>> => ({
    traces: spans.map(({ status }) => status),
    metrics: readers.map(({ status }) => status),
    logs: logs?.statuses ?? [],
  })
  const metrics = (): Prometheus => {
    if (told === undefined) {
      told = prometheus(options.metrics)
      told.add({ sources: [{ name: 'telemetry', families: async () => exportFamilies(statuses()) }] })
    }
    return told
  }
  const readers = metricWays.map(
    (way) =>
      new MetricExport({
        way,
        metrics: metrics(),
        resource,
        clock,
        startMs: performance.timeOrigin,
        onTrouble: (to, trouble) => logTrouble(logger, { signal: 'metrics', to, trouble }),
      }),
  )

  const stop = async () => {
    stopDiagnostics()
    // Side by side, because a process that ends has little time.
    await Promise.allSettled([stopTracing?.(), ...readers.map((reader) => reader.shutdown()), logs?.shutdown()])
    told?.[Symbol.dispose]()
  }
  let stopped: Promise<void> | undefined
  return {
    logger,
    get metrics() {
      return metrics()
    },
    exportStatus: (signal = 'traces') => sumOf(statuses()[signal]),
    shutdown: () => (stopped ??= stop()),
  }
}
