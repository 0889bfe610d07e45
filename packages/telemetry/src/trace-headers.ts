import { type Context, type SpanContext, TraceFlags, isSpanContextValid, trace } from '@opentelemetry/api'
import { parseTraceParent, TraceState } from '@opentelemetry/core'
import type { SpanReference, TraceHeaders } from 'seaworthy/core'

/** The remote span that W3C headers name; undefined when they name none (W3C Trace Context, section 4.3: such a request begins a new trace). */
export function remoteSpanContext(headers: TraceHeaders): SpanContext | undefined {
  if (headers.traceparent === undefined) return undefined
  const parsed = parseTraceParent(headers.traceparent)
  if (parsed === null || !isSpanContextValid(parsed)) return undefined
  return {
    ...parsed,
    isRemote: true,
    ...(headers.tracestate !== undefined && headers.tracestate !== '' && { traceState: new TraceState(headers.tracestate) }),
  }
}

/** The span in `context`, if it is recorded. */
export function recordedSpanOf(context: Context): SpanReference | undefined {
  const span = trace.getSpanContext(context)
  return span !== undefined && (span.traceFlags & TraceFlags.SAMPLED) !== 0 && isSpanContextValid(span) ? span : undefined
}

/** The W3C headers of the span in `context`, for whoever is called from here; undefined without a span. */
export function headersOf(context: Context): TraceHeaders | undefined {
  const span = trace.getSpanContext(context)
  if (span === undefined || !isSpanContextValid(span)) return undefined
  const flags = (span.traceFlags & 0xff).toString(16).padStart(2, '0')
  const state = span.traceState?.serialize()
  return {
    traceparent: `00-${span.traceId}-${span.spanId}-${flags}`,
    ...(state !== undefined && state !== '' && { tracestate: state }),
  }
}
