import { AsyncLocalStorage } from 'node:async_hooks'
import { type Context, type TracerProvider as ApiTracerProvider, context, propagation, trace } from '@opentelemetry/api'
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core'
import type { Resource } from '@opentelemetry/resources'
import { AlwaysOnSampler, ParentBasedSampler, type SpanProcessor, TraceIdRatioBasedSampler, TracerProvider } from '@opentelemetry/sdk-trace'
import type { Logger } from 'pino'
import { ConfigurationError, setTraceContextOwner, systemClock } from 'seaworthy/core'
import { StorageContextManager } from './context-manager.ts'
import { operationSpans } from './operation-spans.ts'
import { ProcessFacts } from './process-facts.ts'
import { processReading } from './process-reading.ts'
import { spanRedaction } from './span-redaction.ts'
import { headersOf, recordedSpanOf } from './trace-headers.ts'
import { countWaits } from './waits.ts'
import { wallClock } from './wall-clock.ts'

export interface TracingOptions {
  readonly service: string
  readonly resource: Resource
  readonly sampleRatio: number
  readonly processFacts: boolean
  /** Receivers of spans, secrets replaced. */
  readonly spanProcessors: readonly SpanProcessor[]
  readonly logger: Logger
}

/**
 * Makes spans of the library's operations from now on, in OpenTelemetry's global places.
 * @returns what ends it, and gives the places back. It never rejects
 * @throws ConfigurationError when the process has an OpenTelemetry SDK already, or the ratio does not make sense
 */
export function startTracing(options: TracingOptions): () => Promise<void> {
  const { service, resource, sampleRatio, processFacts, spanProcessors, logger } = options
  const nowMs = wallClock()
  const facts = processFacts ? new ProcessFacts({ wallMs: nowMs, clock: systemClock, reading: processReading() }) : undefined
  const provider = new TracerProvider({
    resource,
    sampler: samplerOf(sampleRatio),
    // Redaction comes before all who could hand on what it replaces; the facts are numbers.
    spanProcessors: [...(facts === undefined ? [] : [facts]), spanRedaction, ...spanProcessors],
  })
  const storage = new AsyncLocalStorage<Context>()
  const unregister = register(provider, new StorageContextManager(storage))
  const stops = [
    setTraceContextOwner(() => headersOf(context.active()), {
      service,
      recordedSpan: () => recordedSpanOf(context.active()),
    }),
    countWaits(),
    operationSpans({ tracer: provider.getTracer('seaworthy'), storage, nowMs }),
  ]
  return async () => {
    for (const stop of stops) stop()
    try {
      await provider.shutdown()
    } catch (error) {
      logger.warn({ err: error }, 'a span processor did not shut down')
    }
    unregister()
  }
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
