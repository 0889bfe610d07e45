import { AsyncLocalStorage } from 'node:async_hooks'
import { type Context, type TracerProvider as ApiTracerProvider, context, propagation, trace } from '@opentelemetry/api'
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { AlwaysOnSampler, ParentBasedSampler, type SpanProcessor, TraceIdRatioBasedSampler, TracerProvider } from '@opentelemetry/sdk-trace'
import type { DestinationStream, LevelWithSilent, Logger } from 'pino'
import { ConfigurationError, setTraceContextOwner, systemClock } from 'seaworthy/core'
import { StorageContextManager } from './context-manager.ts'
import { type SpanDestination, transportTo } from './destinations.ts'
import { logDiagnostics } from './diagnostic-logs.ts'
import { createLogger } from './logger.ts'
import { operationSpans } from './operation-spans.ts'
import { ProcessFacts } from './process-facts.ts'
import { processReading } from './process-reading.ts'
import { type ExportStatus, type ExportTrouble, SpanQueue } from './span-queue.ts'
import { spanRedaction } from './span-redaction.ts'
import { headersOf, recordedSpanOf } from './trace-headers.ts'
import { countWaits } from './waits.ts'
import { wallClock } from './wall-clock.ts'

export interface TelemetryOptions {
  /** The service's name, as in `orders`. */
  readonly service: string
  /** This process among those of the service, as in `orders-1`. */
  readonly instance: string
  /** Base URL of an OTLP collector such as the console. Without it, and without `destinations`, spans are made for logs and for headers, and not exported. */
  readonly otlpUrl?: string | undefined
  /** Whether there are spans. Default true. False: trace headers are handed on as they came in, and a request costs no more than its log lines. */
  readonly tracing?: boolean | undefined
  /** Where spans go besides. Each has a queue of its own, so that none waits for another: `destinationsFrom(process.env)` reads OpenTelemetry's variables. */
  readonly destinations?: readonly SpanDestination[] | undefined
  /** Default `info`. */
  readonly logLevel?: LevelWithSilent | undefined
  /** Where log lines go. Default: standard output. */
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
  /** What became of the spans so far. With several destinations, a span counts once for each. */
  exportStatus(): ExportStatus
  /** Sends what waits, for at most 500 ms, and gives OpenTelemetry's global places back. Never rejects. */
  shutdown(): Promise<void>
}

/**
 * Sets a process up: every operation of the library becomes a span, every log line has the ids of the work in progress.
 * Call it first in `main.ts`, once.
 * @throws ConfigurationError when the process has an OpenTelemetry SDK already, or an option does not make sense
 */
export function startTelemetry(options: TelemetryOptions): Telemetry {
  const logger = createLogger({
    service: options.service,
    instance: options.instance,
    ...(options.logLevel !== undefined && { level: options.logLevel }),
    ...(options.logDestination !== undefined && { destination: options.logDestination }),
  })
  if (options.tracing === false) {
    const stop = logDiagnostics(logger)
    return { logger, exportStatus: () => sumOf([]), shutdown: async () => stop() }
  }
  const { otlpUrl, destinations = [] } = options
  const all: readonly SpanDestination[] = [...(otlpUrl === undefined ? [] : [{ kind: 'otlp' as const, url: otlpUrl }]), ...destinations]
  const queues = all.map(
    (destination) =>
      new SpanQueue({
        transport: transportTo(destination),
        clock: systemClock,
        ...(options.spanQueueMax !== undefined && { queueMax: options.spanQueueMax }),
        onTrouble: (trouble) => logTrouble(logger.child({ to: new URL(destination.url).origin }), trouble),
      }),
  )
  const nowMs = wallClock()
  const facts =
    options.processFacts === false ? undefined : new ProcessFacts({ wallMs: nowMs, clock: systemClock, reading: processReading() })
  const provider = new TracerProvider({
    resource: resourceFromAttributes({
      'service.name': options.service,
      'service.instance.id': options.instance,
      'process.pid': process.pid,
    }),
    sampler: samplerOf(options.sampleRatio ?? 1),
    // Redaction comes before all who could hand on what it replaces; the facts are numbers.
    spanProcessors: [...(facts === undefined ? [] : [facts]), spanRedaction, ...queues, ...(options.spanProcessors ?? [])],
  })
  const storage = new AsyncLocalStorage<Context>()
  const unregister = register(provider, new StorageContextManager(storage))
  const stops = [
    setTraceContextOwner(() => headersOf(context.active()), {
      service: options.service,
      recordedSpan: () => recordedSpanOf(context.active()),
    }),
    countWaits(),
    operationSpans({ tracer: provider.getTracer('seaworthy'), storage, nowMs }),
    logDiagnostics(logger),
  ]
  let stopped: Promise<void> | undefined
  const stop = async () => {
    for (const each of stops) each()
    try {
      await provider.shutdown()
    } catch (error) {
      logger.warn({ err: error }, 'a span processor did not shut down')
    }
    unregister()
  }
  return {
    logger,
    exportStatus: () => sumOf(queues.map(({ status }) => status)),
    shutdown: () => (stopped ??= stop()),
  }
}

function sumOf(statuses: readonly ExportStatus[]): ExportStatus {
  const sum = (name: keyof ExportStatus) => statuses.reduce((all, status) => all + status[name], 0)
  return { queued: sum('queued'), exported: sum('exported'), dropped: sum('dropped') }
}

function samplerOf(ratio: number): ParentBasedSampler {
  if (!(ratio >= 0 && ratio <= 1)) {
    throw new ConfigurationError(`sampleRatio is ${ratio}. Use a number from 0 (record no trace) to 1 (record all).`)
  }
  return new ParentBasedSampler({ root: ratio === 1 ? new AlwaysOnSampler() : new TraceIdRatioBasedSampler(ratio) })
}

/** Takes OpenTelemetry's global places, so that instrumentations of others end in the same traces. */
function register(provider: ApiTracerProvider, manager: StorageContextManager): () => void {
  if (!context.setGlobalContextManager(manager)) {
    throw new ConfigurationError(
      'This process has an OpenTelemetry context manager already. Start one SDK per process: remove the other, and give its exporters to startTelemetry as spanProcessors.',
    )
  }
  if (!trace.setGlobalTracerProvider(provider)) {
    context.disable()
    throw new ConfigurationError(
      'This process has an OpenTelemetry tracer provider already. Start one SDK per process: remove the other, and give its exporters to startTelemetry as spanProcessors.',
    )
  }
  propagation.setGlobalPropagator(new CompositePropagator({ propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()] }))
  return () => {
    propagation.disable()
    trace.disable()
    context.disable()
  }
}

function logTrouble(logger: Logger, trouble: ExportTrouble): void {
  switch (trouble.kind) {
    case 'unreachable':
      logger.warn({ why: trouble.why }, 'the trace collector cannot be reached; spans are kept and sent later')
      break
    case 'back':
      logger.info({ dropped: trouble.dropped }, 'the trace collector is back')
      break
    case 'overflow':
      logger.warn({ dropped: trouble.dropped }, 'spans are made faster than the trace collector takes them; the oldest are dropped')
      break
    case 'refused':
      logger.warn({ why: trouble.why, spans: trouble.spans }, 'the trace collector refused spans')
      break
  }
}
