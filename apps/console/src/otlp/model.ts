/**
 * The part of OTLP's JSON form (opentelemetry-proto 1.x) that the console reads. What it does not read is kept as it came,
 * so that a trace leaves as whole as it arrived.
 */
export interface ExportTraceRequest {
  readonly resourceSpans: readonly ResourceSpans[]
}

export interface ResourceSpans {
  readonly resource?: Resource | undefined
  readonly scopeSpans: readonly ScopeSpans[]
  readonly schemaUrl?: string | undefined
}

interface Resource {
  readonly attributes?: readonly KeyValue[]
}

export interface ScopeSpans {
  readonly scope?: unknown
  readonly spans: readonly Span[]
  readonly schemaUrl?: string | undefined
}

export interface KeyValue {
  readonly key: string
  readonly value?: AnyValue
}

export interface AnyValue {
  readonly stringValue?: string
  readonly boolValue?: boolean
  readonly intValue?: string | number
  readonly doubleValue?: number | string
  readonly arrayValue?: { readonly values?: readonly AnyValue[] }
  readonly kvlistValue?: { readonly values?: readonly KeyValue[] }
  readonly bytesValue?: string
}

/** A span after {@link checkSpan}: ids in lower-case hex, times as decimal strings, kind and status code as numbers. */
export interface Span {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string | undefined
  readonly name: string
  readonly kind: number
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes?: readonly KeyValue[]
  readonly events?: readonly object[]
  readonly links?: readonly object[]
  readonly status?: { readonly code?: number; readonly message?: string }
}

/** `SpanKind` by number. */
export const KIND = { unspecified: 0, internal: 1, server: 2, client: 3, producer: 4, consumer: 5 } as const

/** `StatusCode.STATUS_CODE_ERROR`. */
export const STATUS_ERROR = 2

/** An attribute as text, where it is a text or a number. */
export function scalarAttribute(attributes: readonly KeyValue[] | undefined, key: string): string | undefined {
  const value = attributes?.find((attribute) => attribute.key === key)?.value
  const scalar = value?.stringValue ?? value?.intValue
  return scalar === undefined ? undefined : String(scalar)
}

/** All attributes that are text or a number, as text. The first of a name counts. */
export function scalarAttributes(attributes: readonly KeyValue[] | undefined): ReadonlyMap<string, string> {
  const scalars = new Map<string, string>()
  for (const { key, value } of attributes ?? []) {
    const scalar = value?.stringValue ?? value?.intValue
    if (scalar !== undefined && !scalars.has(key)) scalars.set(key, String(scalar))
  }
  return scalars
}

/** The text of an attribute, where it is one. */
export function textAttribute(attributes: readonly KeyValue[] | undefined, key: string): string | undefined {
  return attributes?.find((attribute) => attribute.key === key)?.value?.stringValue
}
