/** A trace as the console hands it out: OTLP JSON. */
export interface OtlpTrace {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] }
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[]
  }[]
}

interface Attribute {
  readonly key: string
  readonly value: { readonly stringValue?: string }
}

interface OtlpSpan {
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly kind: number | string
}

export interface FlatSpan {
  readonly service: string
  readonly name: string
  readonly kind: 'internal' | 'server' | 'client' | 'producer' | 'consumer'
  readonly spanId: string
  readonly parentSpanId: string
}

const KINDS = ['internal', 'internal', 'server', 'client', 'producer', 'consumer'] as const

export function flatten(trace: OtlpTrace): readonly FlatSpan[] {
  return trace.resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = resource.attributes.find(({ key }) => key === 'service.name')?.value.stringValue ?? 'unknown'
    return scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({
        service,
        name: span.name,
        kind: KINDS[Number(span.kind)] ?? 'internal',
        spanId: span.spanId,
        parentSpanId: span.parentSpanId ?? '',
      })),
    )
  })
}

/** Those whose parent is not among them. */
export function orphansOf(spans: readonly FlatSpan[]): readonly FlatSpan[] {
  const ids = new Set(spans.map(({ spanId }) => spanId))
  return spans.filter(({ parentSpanId }) => parentSpanId !== '' && !ids.has(parentSpanId))
}
