import type { ExportTraceRequest, ResourceSpans, ScopeSpans, Span } from './model.ts'
import { enumeration, field, id, isNoId, keyValues, list, nanos, resourceOf, text } from './values.ts'

/** What a request holds, and how many spans of it cannot be kept, with the reason of the first. */
export interface CheckedRequest extends ExportTraceRequest {
  readonly spanCount: number
  readonly rejected: number
  readonly why: string | undefined
}

const KINDS: Readonly<Record<string, number>> = {
  SPAN_KIND_UNSPECIFIED: 0,
  SPAN_KIND_INTERNAL: 1,
  SPAN_KIND_SERVER: 2,
  SPAN_KIND_CLIENT: 3,
  SPAN_KIND_PRODUCER: 4,
  SPAN_KIND_CONSUMER: 5,
}
const STATUS_CODES: Readonly<Record<string, number>> = { STATUS_CODE_UNSET: 0, STATUS_CODE_OK: 1, STATUS_CODE_ERROR: 2 }
const NAME_LENGTH_MAX = 1_024

/** Why a span is not kept: it breaks the specification. Others of its request are. A value, because a million thrown errors take minutes. */
interface Refusal {
  readonly why: string
}

/**
 * Takes a decoded request apart and brings every span to one form.
 * @throws TypeError when it is no trace request at all
 */
export function checkRequest(request: unknown): CheckedRequest {
  const given = list(field(request, 'resourceSpans'), 'resourceSpans')
  if (typeof request !== 'object' || request === null) throw new TypeError('The body is no ExportTraceServiceRequest: it is no object.')
  let spanCount = 0
  let rejected = 0
  let why: string | undefined
  const resourceSpans = given.map((each): ResourceSpans => {
    const scopes = list(field(each, 'scopeSpans') ?? field(each, 'instrumentationLibrarySpans'), 'scopeSpans')
    const scopeSpans = scopes.map((scoped): ScopeSpans => {
      const spans: Span[] = []
      for (const span of list(field(scoped, 'spans'), 'spans')) {
        const checked = checkSpan(span)
        if ('why' in checked) {
          rejected++
          why ??= checked.why
        } else {
          spans.push(checked)
          spanCount++
        }
      }
      return { scope: field(scoped, 'scope'), spans, schemaUrl: text(field(scoped, 'schemaUrl')) }
    })
    return {
      resource: resourceOf(field(each, 'resource')),
      scopeSpans,
      schemaUrl: text(field(each, 'schemaUrl')),
    }
  })
  return { resourceSpans, spanCount, rejected, why }
}

/** Whether a decoded request has more spans, or empty lists of spans, than that. Looks at lengths alone. @throws TypeError as {@link checkRequest} */
export function hasMoreSpansThan(spansMax: number, request: unknown): boolean {
  let count = 0
  const resourceSpans = list(field(request, 'resourceSpans'), 'resourceSpans')
  for (const each of resourceSpans) {
    const scopes = list(field(each, 'scopeSpans') ?? field(each, 'instrumentationLibrarySpans'), 'scopeSpans')
    if (scopes.length === 0) count++
    for (const scoped of scopes) {
      count += Math.max(1, list(field(scoped, 'spans'), 'spans').length)
      if (count > spansMax) return true
    }
  }
  return count > spansMax
}

function checkSpan(span: unknown): Span | Refusal {
  if (typeof span !== 'object' || span === null) return { why: 'a span is no object' }
  const status = field(span, 'status')
  const startTimeUnixNano = nanos(field(span, 'startTimeUnixNano'))
  if (startTimeUnixNano === undefined) return noTime('startTimeUnixNano')
  const endTimeUnixNano = nanos(field(span, 'endTimeUnixNano'))
  if (endTimeUnixNano === undefined) return noTime('endTimeUnixNano')
  const traceId = id(field(span, 'traceId'), 32)
  if (traceId === undefined) return noId('traceId', 32)
  const spanId = id(field(span, 'spanId'), 16)
  if (spanId === undefined) return noId('spanId', 16)
  const givenParent = field(span, 'parentSpanId')
  const parentSpanId = isNoId(givenParent) ? undefined : id(givenParent, 16)
  if (parentSpanId === undefined && !isNoId(givenParent)) return noId('parentSpanId', 16)
  return {
    ...span,
    traceId,
    spanId,
    parentSpanId,
    name: (text(field(span, 'name')) ?? '').slice(0, NAME_LENGTH_MAX),
    kind: enumeration(field(span, 'kind'), KINDS),
    startTimeUnixNano,
    // A span that ends before it began, by a clock set back in between, would have a negative length.
    endTimeUnixNano: isBefore(endTimeUnixNano, startTimeUnixNano) ? startTimeUnixNano : endTimeUnixNano,
    attributes: keyValues(field(span, 'attributes')),
    ...('events' in span && { events: occurrences(span.events) }),
    ...('links' in span && { links: occurrences(span.links) }),
    ...(typeof status === 'object' && status !== null && { status: { ...status, code: enumeration(field(status, 'code'), STATUS_CODES) } }),
  }
}

/** Events or links: objects whose attributes can be read. */
function occurrences(value: unknown): readonly object[] {
  if (!Array.isArray(value)) return []
  return value
    .filter((each): each is object => typeof each === 'object' && each !== null)
    .map((each) => ({ ...each, attributes: keyValues(field(each, 'attributes')) }))
}

function noId(name: string, length: number): Refusal {
  return { why: `${name} is not ${length} hexadecimal digits other than all zero` }
}

function noTime(name: string): Refusal {
  return { why: `${name} is no time in nanoseconds since the epoch` }
}

/** Of two numbers as digits without zeros in front. */
function isBefore(one: string, other: string): boolean {
  return one.length === other.length ? one < other : one.length < other.length
}
