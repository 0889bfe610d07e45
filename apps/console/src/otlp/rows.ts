import { createHash } from 'node:crypto'
import { loopStretch } from 'seaworthy/trace-analysis'
import { subjectOf } from './attempts.ts'
import {
  type ExportTraceRequest,
  KIND,
  type KeyValue,
  type ResourceSpans,
  STATUS_ERROR,
  type ScopeSpans,
  type Span,
  scalarAttributes,
  textAttribute,
} from './model.ts'
import { OUTLINE_ATTRIBUTES } from './outline-attributes.ts'
import { safeOtlp } from '../redaction/otlp.ts'
import { safeText } from '../redaction/text.ts'
import { type Outcome, httpStatus, isCallersAffair, saysRejected, spanOutcome } from './outcome.ts'
import { type Peer, peerOf } from './peer.ts'
import { type ServedRequest, servedRequest } from './served-request.ts'

/** A span as it is stored: what is searched, and what an outline has, in columns; the rest as JSON. */
export interface SpanRow {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string | null
  readonly service: string
  readonly name: string
  readonly kind: number
  /** Microseconds since the epoch: exact in a double until the year 2255. */
  readonly startUs: number
  readonly endUs: number
  /** Nanoseconds since the epoch, in digits. */
  readonly startNanos: string
  readonly endNanos: string
  readonly outcome: Outcome
  readonly isError: boolean
  /** It failed, and not by an answer that is its caller's own affair: {@link isCallersAffair}. */
  readonly isFailedCall: boolean
  readonly httpStatus: number | null
  /** What a server span was asked for; null for others. */
  readonly served: ServedRequest | null
  /** What it worked on: two attempts at one thing have one subject. */
  readonly subject: string
  /** It published an event that says no, such as `order.rejected`. */
  readonly saysRejected: boolean
  readonly correlationId: string | null
  /** Whom it had to do with, as far as it says: {@link peerOf}. */
  readonly peer: Peer | null
  readonly origin: SpanOrigin
  /** Those of {@link OUTLINE_ATTRIBUTES}, in OTLP's JSON form with commas between. */
  readonly outlineAttributes: string
  /** Whether the body has more of what an outline tells: that the span failed, and why, or stretches of the event loop. */
  readonly outlineReadsBody: boolean
  /** The same for all else that has no column, from behind those attributes: the others, the end of their list, and further fields. */
  readonly body: string
  /** About as many as it takes where it waits, and in the store. */
  readonly bytes: number
}

/** Where spans come from: shared by all spans of one process and library, and kept once. */
interface SpanOrigin {
  /** The same for the same resource and scope. */
  readonly key: string
  readonly service: string
  readonly resource: string
  readonly scope: string
  readonly resourceSchemaUrl: string
  readonly scopeSchemaUrl: string
}

const UNKNOWN_SERVICE = 'unknown'

/** Spans without secrets: what is not here is stored nowhere. @throws RangeError for values that are nested too deep to be written */
export function spanRows(request: ExportTraceRequest): SpanRow[] {
  return request.resourceSpans.flatMap((resourceSpans) => {
    const service = safeText(textAttribute(resourceSpans.resource?.attributes, 'service.name') || UNKNOWN_SERVICE)
    return resourceSpans.scopeSpans.flatMap((scopeSpans) => {
      if (scopeSpans.spans.length === 0) return []
      const origin = originOf(service, resourceSpans, scopeSpans)
      return scopeSpans.spans.map((span) => row(safeOtlp(span), origin))
    })
  })
}

function row(span: Span, origin: SpanOrigin): SpanRow {
  const { traceId, spanId, parentSpanId = null, name, kind, startTimeUnixNano, endTimeUnixNano } = span
  // Asked for some thirty times a span.
  const scalars = scalarAttributes(span.attributes)
  const attribute = (key: string): string | undefined => scalars.get(key)
  const isServer = kind === KIND.server
  const saysError = span.status?.code === STATUS_ERROR
  const outcome = spanOutcome({ isServer, isError: saysError, attribute })
  const { outlineAttributes, others } = attributesOf(span.attributes ?? [])
  const body = others + fieldsOf(span)
  return {
    traceId,
    spanId,
    parentSpanId,
    service: origin.service,
    name,
    kind,
    startUs: microseconds(startTimeUnixNano),
    endUs: microseconds(endTimeUnixNano),
    startNanos: startTimeUnixNano,
    endNanos: endTimeUnixNano,
    outcome,
    isError: outcome === 'failed',
    isFailedCall: outcome === 'failed' && !isCallersAffair(attribute),
    httpStatus: httpStatus(attribute) ?? null,
    served: isServer ? (servedRequest(attribute) ?? null) : null,
    subject: subjectOf(attribute),
    saysRejected: kind === KIND.producer && saysRejected(attribute),
    correlationId: attribute('seaworthy.correlation_id') ?? null,
    peer: peerOf(kind, attribute) ?? null,
    origin,
    outlineAttributes,
    outlineReadsBody: saysError || (span.events?.some(isStretch) ?? false),
    body,
    bytes: FIXED_BYTES + name.length + outlineAttributes.length + body.length,
  }
}

/** Of a row without its texts: ids, times, numbers. */
const FIXED_BYTES = 100

function isStretch(event: object): boolean {
  return (event as { readonly name?: unknown }).name === loopStretch.event
}

/** Taken apart, which changes their order: it has no meaning (opentelemetry.io/docs/specs/otel/common, "Attribute Collections"). */
function attributesOf(attributes: readonly KeyValue[]): { readonly outlineAttributes: string; readonly others: string } {
  const outlined: KeyValue[] = []
  const others: KeyValue[] = []
  for (const attribute of attributes) (OUTLINE_ATTRIBUTES.has(attribute.key) ? outlined : others).push(attribute)
  return { outlineAttributes: JSON.stringify(outlined).slice(1, -1), others: JSON.stringify(others).slice(1) }
}

const COLUMNS: ReadonlySet<string> = new Set<keyof Span>([
  'traceId',
  'spanId',
  'parentSpanId',
  'name',
  'kind',
  'startTimeUnixNano',
  'endTimeUnixNano',
  'attributes',
])

/** The end of a span's JSON: what it has that is in no column, in fields that nobody here knows too. */
function fieldsOf(span: Span): string {
  let fields = ''
  for (const field in span) {
    if (COLUMNS.has(field)) continue
    const value = (span as unknown as Readonly<Record<string, unknown>>)[field]
    if (value !== undefined) fields += `,${JSON.stringify(field)}:${JSON.stringify(value)}`
  }
  return `${fields}}`
}

/** Nanoseconds as digits, cut to microseconds. */
function microseconds(nanos: string): number {
  return Number(nanos.slice(0, -3))
}

function originOf(service: string, resourceSpans: ResourceSpans, scopeSpans: ScopeSpans): SpanOrigin {
  const resource = JSON.stringify(safeOtlp({ attributes: [], ...resourceSpans.resource }))
  const scope = JSON.stringify(safeOtlp(scopeSpans.scope ?? {}))
  const resourceSchemaUrl = safeText(resourceSpans.schemaUrl ?? '')
  const scopeSchemaUrl = safeText(scopeSpans.schemaUrl ?? '')
  // A name for equal content, not a protection: collisions can only be made on purpose, by a sender against its own traces.
  const key = createHash('sha1').update([resource, scope, resourceSchemaUrl, scopeSchemaUrl].join('\n')).digest('hex').slice(0, 20)
  return { key, service, resource, scope, resourceSchemaUrl, scopeSchemaUrl }
}
