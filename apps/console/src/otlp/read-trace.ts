import { OUTBOX_WAIT, REFERENCE_TYPE } from './attribute-names.ts'
import { type Moment, epochMs, isBefore, momentOf, nanosSince } from './moment.ts'
import { type Outcome, spanOutcome } from './outcome.ts'

/** The part of an OTLP JSON trace that the page shows, and the verdict looks at. */
export interface OtlpTrace {
  readonly resourceSpans?: readonly {
    readonly resource?: { readonly attributes?: readonly OtlpAttribute[] }
    readonly scopeSpans?: readonly { readonly scope?: { readonly name?: string }; readonly spans?: readonly OtlpSpan[] }[]
  }[]
}

export interface OtlpAttribute {
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

export interface OtlpSpan {
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

/** A span as its row, the critical path and the verdict look at it. Times are microseconds from the beginning of the trace, with fractions. */
export interface Span {
  readonly spanId: string
  readonly parentSpanId: string | undefined
  readonly name: string
  readonly kind: SpanKind
  readonly service: string
  readonly instance: string | undefined
  readonly startUs: number
  readonly endUs: number
  readonly outcome: Outcome
  /** Why it failed or was rejected, where it says so. */
  readonly error: string | undefined
  /** All of them, or those that are looked at: of an outline. */
  readonly attributes: readonly Attribute[]
  /** As with the attributes. */
  readonly events: readonly SpanEvent[]
  /** Its parent did not wait for it. */
  readonly isAsynchronous: boolean
}

/** All that is known of a span. */
export interface WholeSpan extends Span {
  /** The library that recorded it. */
  readonly scope: string | undefined
  readonly resource: readonly Attribute[]
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[]
}

export interface Trace<Of extends Span = Span> {
  /** Milliseconds since the epoch. */
  readonly startMs: number
  readonly durationUs: number
  readonly spans: readonly Of[]
}

/** The spans of a trace; undefined when it has none. */
export function readTrace(otlp: OtlpTrace): Trace<WholeSpan> | undefined {
  const found: { readonly span: OtlpSpan; readonly start: Moment; readonly origin: Origin }[] = []
  for (const { resource, scopeSpans = [] } of otlp.resourceSpans ?? []) {
    const of = attributes(resource?.attributes)
    for (const { scope, spans = [] } of scopeSpans) {
      // Made once: all spans of a process share it.
      const origin: Origin = { ...processOf(of), resource: of, scope: scope?.name }
      for (const span of spans) found.push({ span, start: momentOf(span.startTimeUnixNano), origin })
    }
  }
  if (found.length === 0) return undefined
  let first = found[0]!.start
  for (const { start } of found) if (isBefore(start, first)) first = start
  const sinceFirstUs = (moment: Moment): number => nanosSince(first, moment) / 1_000
  let durationUs = 0
  const spans = found.map(({ span, start, origin: { service, instance, scope, resource } }): WholeSpan => {
    const startUs = sinceFirstUs(start)
    const endUs = sinceFirstUs(momentOf(span.endTimeUnixNano))
    durationUs = Math.max(durationUs, endUs)
    const read = spanOf({
      spanId: span.spanId,
      parentSpanId: span.parentSpanId,
      name: span.name,
      kind: span.kind,
      failure: failureOf(span),
      service,
      instance,
      startUs,
      endUs,
      attributes: attributes(span.attributes),
      events: (span.events ?? []).map((event) => ({
        name: event.name || 'event',
        atUs: event.timeUnixNano === undefined ? startUs : sinceFirstUs(momentOf(event.timeUnixNano)),
        attributes: attributes(event.attributes),
      })),
    })
    return { ...read, scope, resource, links: span.links ?? [] }
  })
  return { startMs: epochMs(first), durationUs, spans }
}

/** What all spans of one process and library have in common. */
type Origin = Pick<WholeSpan, 'resource' | 'service' | 'instance' | 'scope'>

/** Whose spans those of a resource are. */
export function processOf(resource: readonly Attribute[]): Pick<Span, 'service' | 'instance'> {
  return { service: attribute(resource, 'service.name') || 'unknown', instance: attribute(resource, 'service.instance.id') }
}

/** The message of a span that says that it failed, which may be empty. */
export function failureOf({ status }: OtlpSpan): string | undefined {
  return status?.code === 2 ? (status.message ?? '') : undefined
}

const KINDS: readonly SpanKind[] = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer']

/** What a span says of itself, read: how it ended, what kind it is, whether its parent waited for it. `failure`: see {@link failureOf}. */
export function spanOf(
  given: Omit<Span, 'kind' | 'outcome' | 'error' | 'isAsynchronous'> & {
    readonly kind: number | undefined
    readonly failure: string | undefined
  },
): Span {
  const { spanId, parentSpanId, name, service, instance, startUs, endUs, attributes, events, failure } = given
  const kind = KINDS[given.kind ?? 0] ?? 'unspecified'
  const isError = failure !== undefined
  const outcome = spanOutcome({ isServer: kind === 'server', isError, attribute: (key) => attribute(attributes, key) })
  return {
    spanId,
    parentSpanId: parentSpanId || undefined,
    name: name || '(no name)',
    kind,
    service,
    instance,
    startUs,
    endUs,
    outcome,
    error: outcome === 'failed' || isError ? failure || 'failed without a message' : undefined,
    attributes,
    events,
    isAsynchronous: isAsynchronous(kind, attributes),
  }
}

/** The handler of a message, what a relay sends later on from an outbox, and what OpenTracing says follows. */
function isAsynchronous(kind: SpanKind, own: readonly Attribute[]): boolean {
  if (kind === 'consumer' || attribute(own, REFERENCE_TYPE) === 'follows_from') return true
  return kind === 'producer' && attribute(own, OUTBOX_WAIT) !== undefined
}

export function attribute(attributes: readonly Attribute[], key: string): string | undefined {
  // A loop: asked for a million times of a large trace.
  for (const each of attributes) if (each.key === key) return each.value
  return undefined
}

export function attributes(given: readonly OtlpAttribute[] = []): Attribute[] {
  return given.map(({ key, value }) => ({ key, value: valueText(value) }))
}

/** An attribute's value as people read it. */
export function valueText(value: OtlpValue | undefined): string {
  if (value === undefined) return ''
  if (value.stringValue !== undefined) return value.stringValue
  if (value.boolValue !== undefined) return String(value.boolValue)
  if (value.intValue !== undefined) return String(value.intValue)
  if (value.doubleValue !== undefined) return String(value.doubleValue)
  if (value.bytesValue !== undefined) return value.bytesValue
  if (value.arrayValue !== undefined) return `[${(value.arrayValue.values ?? []).map(valueText).join(', ')}]`
  if (value.kvlistValue !== undefined) {
    return `{${(value.kvlistValue.values ?? []).map((field) => `${field.key}: ${valueText(field.value)}`).join(', ')}}`
  }
  return ''
}
