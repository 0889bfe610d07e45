import { createHash } from 'node:crypto'
import { subjectOf } from './attempts.ts'
import {
  type ExportTraceRequest,
  KIND,
  type ResourceSpans,
  STATUS_ERROR,
  type ScopeSpans,
  type Span,
  scalarAttributes,
  textAttribute,
} from './model.ts'
import { safeOtlp } from '../redaction/otlp.ts'
import { safeText } from '../redaction/text.ts'
import { type Outcome, httpStatus, saysRejected, spanOutcome } from './outcome.ts'
import { type Peer, peerOf } from './peer.ts'
import { type ServedRequest, servedRequest } from './served-request.ts'

/** A span as it is stored: what is searched in columns, all of it as JSON. */
export interface SpanRow {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string | null
  readonly service: string
  readonly name: string
  readonly kind: number
  /** Microseconds since the epoch: exact in a double until the year 2255. The body has the nanoseconds. */
  readonly startUs: number
  readonly endUs: number
  readonly outcome: Outcome
  readonly isError: boolean
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
  /** The span in OTLP's JSON form, from behind the ids, with which it begins: they have columns. */
  readonly body: string
}

/** Where spans come from: shared by all spans of one process and library, and kept once per trace. */
interface SpanOrigin {
  /** The same for the same resource and scope. */
  readonly key: string
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
      const origin = originOf(resourceSpans, scopeSpans)
      return scopeSpans.spans.map((span) => row(safeOtlp(span), service, origin))
    })
  })
}

function row(span: Span, service: string, origin: SpanOrigin): SpanRow {
  // Asked for some thirty times a span.
  const scalars = scalarAttributes(span.attributes)
  const attribute = (key: string): string | undefined => scalars.get(key)
  const isServer = span.kind === KIND.server
  const outcome = spanOutcome({ isServer, isError: span.status?.code === STATUS_ERROR, attribute })
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId ?? null,
    service,
    name: span.name,
    kind: span.kind,
    startUs: microseconds(span.startTimeUnixNano),
    endUs: microseconds(span.endTimeUnixNano),
    outcome,
    isError: outcome === 'failed',
    httpStatus: httpStatus(attribute) ?? null,
    served: isServer ? (servedRequest(attribute) ?? null) : null,
    subject: subjectOf(attribute),
    saysRejected: span.kind === KIND.producer && saysRejected(attribute),
    correlationId: attribute('seaworthy.correlation_id') ?? null,
    peer: peerOf(span.kind, attribute) ?? null,
    origin,
    body: bodyOf(span),
  }
}

function bodyOf(span: Span): string {
  return JSON.stringify({ ...span, traceId: undefined, spanId: undefined, parentSpanId: undefined }).slice(1)
}

/** Nanoseconds as digits, cut to microseconds. */
function microseconds(nanos: string): number {
  return Number(nanos.slice(0, -3))
}

function originOf(resourceSpans: ResourceSpans, scopeSpans: ScopeSpans): SpanOrigin {
  const resource = JSON.stringify(safeOtlp({ attributes: [], ...resourceSpans.resource }))
  const scope = JSON.stringify(safeOtlp(scopeSpans.scope ?? {}))
  const resourceSchemaUrl = safeText(resourceSpans.schemaUrl ?? '')
  const scopeSchemaUrl = safeText(scopeSpans.schemaUrl ?? '')
  // A name for equal content, not a protection: collisions can only be made on purpose, by a sender against its own traces.
  const key = createHash('sha1').update([resource, scope, resourceSchemaUrl, scopeSchemaUrl].join('\n')).digest('hex').slice(0, 20)
  return { key, resource, scope, resourceSchemaUrl, scopeSchemaUrl }
}
