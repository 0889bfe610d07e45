import { type Trace, attribute } from './otlp-trace.ts'
import type { SpanNode } from './trace-tree.ts'

/** What stands above a trace. */
export interface TraceFacts {
  readonly title: string
  readonly service: string
  /** Until the root answered; the rest of the trace is what it set off. */
  readonly answeredUs: number
  readonly errorCount: number
  readonly correlationId: string | undefined
  /** In the order of their first spans. */
  readonly services: readonly { readonly name: string; readonly spans: number; readonly errors: number }[]
}

export function traceFacts(trace: Trace, roots: readonly SpanNode[]): TraceFacts {
  const root = (roots.find(({ relation }) => relation === 'root') ?? roots[0])?.span
  const services = new Map<string, { name: string; spans: number; errors: number; firstUs: number }>()
  let errorCount = 0
  let correlationId: string | undefined
  for (const span of trace.spans) {
    const service = services.get(span.service) ?? { name: span.service, spans: 0, errors: 0, firstUs: span.startUs }
    services.set(span.service, service)
    service.spans++
    service.firstUs = Math.min(service.firstUs, span.startUs)
    if (span.error !== undefined) {
      service.errors++
      errorCount++
    }
    correlationId ??= attribute(span.attributes, 'seaworthy.correlation_id')
  }
  return {
    title: root?.name ?? '(no name)',
    service: root?.service ?? 'unknown',
    answeredUs: root === undefined ? trace.durationUs : root.endUs,
    errorCount,
    correlationId,
    services: [...services.values()]
      .toSorted((one, other) => one.firstUs - other.firstUs)
      .map(({ name, spans, errors }) => ({ name, spans, errors })),
  }
}
