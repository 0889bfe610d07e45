import { type Outcome, spanOutcome } from './outcome.ts'

/** The part of an OTLP JSON trace that the page shows, and the verdict looks at. */
export interface OtlpTrace {
  readonly resourceSpans?: readonly {
    readonly resource?: { readonly attributes?: readonly OtlpAttribute[] }
    readonly scopeSpans?: readonly { readonly scope?: { readonly name?: string }; readonly spans?: readonly OtlpSpan[] }[]
  }[]
}

interface OtlpAttribute {
  readonly key: string
  readonly value?: OtlpValue
}

interface OtlpValue {
  readonly stringValue?: string
  readonly boolValue?: boolean
  readonly intValue?: string | number
  readonly doubleValue?: number | string
  readonly arrayValue?: { readonly values?: readonly OtlpValue[] }
  readonly kvlistValue?: { readonly values?: readonly OtlpAttribute[] }
  readonly bytesValue?: string
}

interface OtlpSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly kind?: number
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes?: readonly OtlpAttribute[]
  readonly events?: readonly { readonly name?: string; readonly timeUnixNano?: string; readonly attributes?: readonly OtlpAttribute[] }[]
  readonly links?: readonly { readonly traceId: string; readonly spanId: string }[]
  readonly status?: { readonly code?: number; readonly message?: string }
}

export type SpanKind = 'unspecified' | 'internal' | 'server' | 'client' | 'producer' | 'consumer'

export interface Attribute {
  readonly key: string
  readonly value: string
}

interface SpanEvent {
  readonly name: string
  /** Microseconds from the beginning of the trace. */
  readonly atUs: number
  readonly attributes: readonly Attribute[]
}

/** A span as the page and the verdict work with it. Times are microseconds from the beginning of the trace, with fractions. */
export interface Span {
  readonly spanId: string
  readonly parentSpanId: string | undefined
  readonly name: string
  readonly kind: SpanKind
  readonly service: string
  readonly instance: string | undefined
  readonly scope: string | undefined
  readonly startUs: number
  readonly endUs: number
  readonly outcome: Outcome
  /** Why it failed or was rejected, where it says so. */
  readonly error: string | undefined
  readonly attributes: readonly Attribute[]
  readonly resource: readonly Attribute[]
  readonly events: readonly SpanEvent[]
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[]
  /** Its parent did not wait for it. */
  readonly isAsynchronous: boolean
}

export interface Trace {
  /** Milliseconds since the epoch. */
  readonly startMs: number
  readonly durationUs: number
  readonly spans: readonly Span[]
}

const KINDS: readonly SpanKind[] = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer']

/** The spans of a trace; undefined when it has none. */
export function readTrace(otlp: OtlpTrace): Trace | undefined {
  const found: { readonly span: OtlpSpan; readonly start: Moment; readonly origin: Origin }[] = []
  for (const { resource, scopeSpans = [] } of otlp.resourceSpans ?? []) {
    const of = attributes(resource?.attributes)
    for (const { scope, spans = [] } of scopeSpans) {
      // Made once: all spans of a process share it.
      const origin: Origin = {
        resource: of,
        service: attribute(of, 'service.name') || 'unknown',
        instance: attribute(of, 'service.instance.id'),
        scope: scope?.name,
      }
      for (const span of spans) found.push({ span, start: momentOf(span.startTimeUnixNano), origin })
    }
  }
  if (found.length === 0) return undefined
  let first = found[0]!.start
  for (const { start } of found) if (isBefore(start, first)) first = start
  const sinceOrigin = ({ seconds, nanos }: Moment): number => ((seconds - first.seconds) * 1e9 + (nanos - first.nanos)) / 1_000
  let durationUs = 0
  const spans = found.map(({ span, start, origin }): Span => {
    const startUs = sinceOrigin(start)
    const endUs = sinceOrigin(momentOf(span.endTimeUnixNano))
    durationUs = Math.max(durationUs, endUs)
    const ownAttributes = attributes(span.attributes)
    const outcome = spanOutcome({
      isServer: KINDS[span.kind ?? 0] === 'server',
      isError: span.status?.code === 2,
      attribute: (key) => attribute(ownAttributes, key),
    })
    return {
      spanId: span.spanId,
      parentSpanId: span.parentSpanId || undefined,
      name: span.name || '(no name)',
      kind: KINDS[span.kind ?? 0] ?? 'unspecified',
      ...origin,
      startUs,
      endUs,
      outcome,
      error: outcome === 'failed' || span.status?.code === 2 ? span.status?.message || 'failed without a message' : undefined,
      attributes: ownAttributes,
      events: (span.events ?? []).map((event) => ({
        name: event.name || 'event',
        atUs: event.timeUnixNano === undefined ? startUs : sinceOrigin(momentOf(event.timeUnixNano)),
        attributes: attributes(event.attributes),
      })),
      links: span.links ?? [],
      isAsynchronous: isAsynchronous(KINDS[span.kind ?? 0], ownAttributes),
    }
  })
  return { startMs: first.seconds * 1_000 + Math.floor(first.nanos / 1_000) / 1_000, durationUs, spans }
}

/** What all spans of one process and library have in common. */
type Origin = Pick<Span, 'resource' | 'service' | 'instance' | 'scope'>

/** Nanoseconds since the epoch need 61 bits, more than a double has and a bigint takes long for: in two parts. */
interface Moment {
  readonly seconds: number
  readonly nanos: number
}

function momentOf(nanosSinceEpoch: string): Moment {
  const at = nanosSinceEpoch.length - 9
  return { seconds: Number(nanosSinceEpoch.slice(0, Math.max(0, at))), nanos: Number(nanosSinceEpoch.slice(Math.max(0, at))) }
}

function isBefore(one: Moment, other: Moment): boolean {
  return one.seconds === other.seconds ? one.nanos < other.nanos : one.seconds < other.seconds
}

/** The handler of a message, what a relay sends later on from an outbox, and what OpenTracing says follows. */
function isAsynchronous(kind: SpanKind | undefined, own: readonly Attribute[]): boolean {
  if (kind === 'consumer' || attribute(own, 'opentracing.ref_type') === 'follows_from') return true
  return kind === 'producer' && attribute(own, 'seaworthy.outbox.wait_ms') !== undefined
}

export function attribute(attributes: readonly Attribute[], key: string): string | undefined {
  return attributes.find((each) => each.key === key)?.value
}

function attributes(given: readonly OtlpAttribute[] = []): Attribute[] {
  return given.map(({ key, value }) => ({ key, value: text(value) }))
}

function text(value: OtlpValue | undefined): string {
  if (value === undefined) return ''
  if (value.stringValue !== undefined) return value.stringValue
  if (value.boolValue !== undefined) return String(value.boolValue)
  if (value.intValue !== undefined) return String(value.intValue)
  if (value.doubleValue !== undefined) return String(value.doubleValue)
  if (value.bytesValue !== undefined) return value.bytesValue
  if (value.arrayValue !== undefined) return `[${(value.arrayValue.values ?? []).map(text).join(', ')}]`
  if (value.kvlistValue !== undefined) {
    return `{${(value.kvlistValue.values ?? []).map((field) => `${field.key}: ${text(field.value)}`).join(', ')}}`
  }
  return ''
}
