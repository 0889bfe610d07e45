import { type Attributes, type AttributeValue, SpanKind, SpanStatusCode } from '@opentelemetry/api'
import type { HrTime } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import { isIPv4, isIPv6 } from 'node:net'

/** A host in a trace. */
interface ZipkinEndpoint {
  readonly serviceName?: string
  readonly ipv4?: string
  readonly ipv6?: string
  readonly port?: number
}

/** A span in Zipkin's second format, as `POST /api/v2/spans` takes it. Times in microseconds. */
export interface ZipkinSpan {
  readonly traceId: string
  readonly id: string
  readonly parentId?: string
  readonly name: string
  readonly kind?: 'CLIENT' | 'SERVER' | 'PRODUCER' | 'CONSUMER'
  readonly timestamp: number
  readonly duration: number
  readonly localEndpoint: ZipkinEndpoint
  readonly remoteEndpoint?: ZipkinEndpoint
  readonly annotations?: readonly { readonly timestamp: number; readonly value: string }[]
  readonly tags: Readonly<Record<string, string>>
}

const KINDS: Readonly<Record<SpanKind, ZipkinSpan['kind'] | undefined>> = {
  [SpanKind.CLIENT]: 'CLIENT',
  [SpanKind.SERVER]: 'SERVER',
  [SpanKind.PRODUCER]: 'PRODUCER',
  [SpanKind.CONSUMER]: 'CONSUMER',
  // Zipkin has no word for it.
  [SpanKind.INTERNAL]: undefined,
}

/** What names the other side, the best first. */
const PEER_NAMES = ['service.peer.name', 'peer.service', 'server.address', 'network.peer.address', 'messaging.system', 'db.system.name']

/**
 * A span as OpenTelemetry's specification ("OpenTelemetry to Zipkin transformation") translates it. What Zipkin has no place for is lost: links, and that an
 * attribute was a number.
 */
export function zipkinSpan(span: ReadableSpan): ZipkinSpan {
  const { traceId, spanId } = span.spanContext()
  const { 'service.name': service, ...resource } = span.resource.attributes
  const parentId = span.parentSpanContext?.spanId
  const kind = KINDS[span.kind]
  const remoteEndpoint = kind === 'CLIENT' || kind === 'PRODUCER' ? remoteOf(span.attributes) : undefined
  return {
    traceId,
    id: spanId,
    ...(parentId !== undefined && { parentId }),
    name: span.name,
    ...(kind !== undefined && { kind }),
    timestamp: micros(span.startTime),
    // Zipkin takes none for one that is still open.
    duration: Math.max(1, micros(span.duration)),
    localEndpoint: { serviceName: text(service ?? 'unknown_service') },
    ...(remoteEndpoint !== undefined && { remoteEndpoint }),
    ...(span.events.length > 0 && {
      annotations: span.events.map(({ time, name, attributes }) => ({ timestamp: micros(time), value: annotation(name, attributes) })),
    }),
    tags: {
      ...tagsOf(resource),
      ...tagsOf(span.attributes),
      'otel.scope.name': span.instrumentationScope.name,
      ...statusOf(span),
    },
  }
}

function statusOf({ status }: ReadableSpan): Record<string, string> {
  switch (status.code) {
    case SpanStatusCode.UNSET:
      return {}
    case SpanStatusCode.OK:
      return { 'otel.status_code': 'OK' }
    case SpanStatusCode.ERROR:
      // The presence of the tag is what Zipkin paints red; an empty one would do as well.
      return { 'otel.status_code': 'ERROR', error: status.message ?? '' }
  }
}

function remoteOf(attributes: Attributes): ZipkinEndpoint | undefined {
  const name = PEER_NAMES.map((key) => attributes[key]).find((value) => value !== undefined)
  if (name === undefined) return undefined
  const address = text(attributes['network.peer.address'] ?? attributes['server.address'] ?? '')
  const port = Number(attributes['network.peer.port'] ?? attributes['server.port'])
  return {
    serviceName: text(name),
    ...(isIPv4(address) && { ipv4: address }),
    ...(isIPv6(address) && { ipv6: address }),
    ...(port > 0 && { port }),
  }
}

function annotation(name: string, attributes: Attributes | undefined): string {
  return attributes === undefined || Object.keys(attributes).length === 0 ? name : `"${name}": ${JSON.stringify(attributes)}`
}

function tagsOf(attributes: Attributes): Record<string, string> {
  const tags: Record<string, string> = {}
  for (const [key, value] of Object.entries(attributes)) if (value !== undefined) tags[key] = text(value)
  return tags
}

const text = (value: AttributeValue): string => (Array.isArray(value) ? JSON.stringify(value) : String(value))

const micros = ([seconds, nanos]: HrTime): number => seconds * 1_000_000 + Math.round(nanos / 1_000)
