import type { AsyncLocalStorage } from 'node:async_hooks'
import { type Context, ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, TraceFlags, type Tracer, trace } from '@opentelemetry/api'
import type { Span as RecordedSpan } from '@opentelemetry/sdk-trace'
import { type Operation, type OperationChannel, SeaworthyError, currentContext, watchOperations } from 'seaworthy/core'
import { errorMessage, errorName } from './error-name.ts'
import { remoteSpanContext } from './trace-headers.ts'

const KINDS: Readonly<Record<Operation['kind'], SpanKind>> = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
}

const CORRELATION_ID = 'seaworthy.correlation_id'

/** What `TracingChannel.tracePromise` adds to the operation when the work threw. */
type Traced = Operation & { readonly error?: unknown }

export interface OperationSpansOptions {
  readonly tracer: Tracer
  /** Where the span in progress is kept: the storage of the registered context manager. */
  readonly storage: AsyncLocalStorage<Context>
  /** Milliseconds since the epoch, with fractions. */
  readonly nowMs: () => number
}

/**
 * Makes a span of every operation of the library. While the operation runs, its span is the one in progress, because the
 * storage is bound to the channel: the span begins with the body and no callback of the caller can come between.
 * @returns a function that stops it
 */
export function operationSpans({ tracer, storage, nowMs }: OperationSpansOptions): () => void {
  // Operations are described by the work itself, so that nothing but this map can say which span belongs to one.
  const spans = new WeakMap<Operation, Span>()
  const stops: (() => void)[] = []

  const begin = (operation: Operation): Context => {
    const parent = parentContext(operation, storage.getStore() ?? ROOT_CONTEXT)
    if (isHousekeeping(operation, parent)) return parent
    const span = tracer.startSpan(operation.name, { kind: KINDS[operation.kind], startTime: operation.startedAtMs ?? nowMs() }, parent)
    spans.set(operation, span)
    return trace.setSpan(parent, span)
  }

  const end = (operation: Traced): void => {
    const span = spans.get(operation)
    if (span === undefined) return
    spans.delete(operation)
    if (isRecorded(span)) describe(span, operation)
    span.end(nowMs())
  }

  const watch = (_name: string, channel: OperationChannel): void => {
    channel.start.bindStore(storage, begin)
    const subscribers = {
      start: () => undefined,
      // A body that throws before it returns a promise has no asynchronous end.
      end: (operation: Traced) => (operation.error === undefined ? undefined : end(operation)),
      asyncStart: () => undefined,
      asyncEnd: end,
      error: () => undefined,
    }
    channel.subscribe(subscribers)
    stops.push(() => {
      channel.start.unbindStore(storage)
      channel.unsubscribe(subscribers)
    })
  }
  stops.push(watchOperations(watch))
  return () => {
    for (const stop of stops) stop()
  }
}

/**
 * A use of the process's own database that belongs to no request or message: polls, checkpoints, clean-ups. Each would be a trace of
 * one span, thousands an hour, and hide the traces that somebody looks for.
 */
function isHousekeeping(operation: Operation, parent: Context): boolean {
  return operation.kind === 'client' && 'db.system.name' in operation.attributes && trace.getSpan(parent) === undefined
}

/** A remote parent wins over the span in progress; one that names no valid span begins a new trace. */
function parentContext(operation: Operation, active: Context): Context {
  if (operation.parent === undefined) return active
  const remote = remoteSpanContext(operation.parent)
  return remote === undefined ? trace.deleteSpan(active) : trace.setSpanContext(active, remote)
}

function isRecorded(span: Span): span is RecordedSpan {
  return span.isRecording() && 'attributes' in span
}

function describe(span: RecordedSpan, operation: Traced): void {
  const { attributes } = span
  // In place: they are texts, numbers and truths. The setter looks each over for cycles, with a set for what it has seen, which took as long as all else of a span.
  Object.assign(attributes, operation.attributes)
  for (const { traceId, spanId, attributes } of operation.links ?? []) {
    // Recorded, because whoever was blocked by work that is not recorded has nothing to point to.
    span.addLink({ context: { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true }, attributes })
  }
  if (operation.attributes[CORRELATION_ID] === undefined && operation.kind !== 'internal') {
    const correlationId = currentContext()?.correlationId
    if (correlationId !== undefined) attributes[CORRELATION_ID] = correlationId
  }
  const { error, failure } = operation
  if (error !== undefined) {
    const type = errorName(error)
    const message = errorMessage(error)
    attributes['error.type'] = type
    if (error instanceof SeaworthyError) attributes['seaworthy.executed'] = error.executed
    span.addEvent('exception', { 'exception.type': type, 'exception.message': message })
    span.setStatus({ code: SpanStatusCode.ERROR, message })
  } else if (failure !== undefined) {
    attributes['error.type'] ??= 'failure'
    span.setStatus({ code: SpanStatusCode.ERROR, message: failure })
  }
}
