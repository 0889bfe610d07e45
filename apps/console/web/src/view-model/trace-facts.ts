import { CORRELATION_ID } from '../../../src/otlp/attribute-names.ts'
import { type Outcome, httpStatus, saysRejected } from '../../../src/otlp/outcome.ts'
import { servedRequest } from '../../../src/otlp/served-request.ts'
import { type Span, type Trace, attribute } from '../../../src/otlp/read-trace.ts'
import type { SpanNode } from './trace-tree.ts'
import { visibleRows } from './tree-rows.ts'

/** What stands above a trace. */
export interface TraceFacts {
  readonly title: string
  readonly service: string
  /** Until the root answered; the rest of the trace is what it set off. */
  readonly answeredUs: number
  readonly outcome: Outcome
  readonly httpStatus: number | undefined
  readonly errorCount: number
  readonly retriedCount: number
  readonly correlationId: string | undefined
  /** Whether a span waited at its beginning. */
  readonly hasWaits: boolean
  /** Whether it is known of a message how long it was on its way. */
  readonly hasMessages: boolean
  /** In the order of their first spans. */
  readonly services: readonly { readonly name: string; readonly spans: number; readonly errors: number }[]
}

export function traceFacts(trace: Trace, roots: readonly SpanNode[]): TraceFacts {
  const root = mainRoot(roots)?.span
  const services = new Map<string, { name: string; spans: number; errors: number; firstUs: number }>()
  let correlationId: string | undefined
  const nodes = visibleRows(roots, new Set())
  for (const { span, isError } of nodes) {
    const service = services.get(span.service) ?? { name: span.service, spans: 0, errors: 0, firstUs: span.startUs }
    services.set(span.service, service)
    service.spans++
    service.firstUs = Math.min(service.firstUs, span.startUs)
    service.errors += Number(isError)
    correlationId ??= attribute(span.attributes, CORRELATION_ID)
  }
  return {
    title: root === undefined ? '(no name)' : requestName(root, trace.spans),
    service: root?.service ?? 'unknown',
    answeredUs: root === undefined ? trace.durationUs : root.endUs,
    outcome: outcomeOf(root, trace.spans),
    httpStatus: root?.kind === 'server' ? httpStatus((key) => attribute(root.attributes, key)) : undefined,
    errorCount: nodes.filter(({ isError }) => isError).length,
    retriedCount: nodes.filter(({ retried }) => retried === 'attempt').length,
    correlationId,
    hasWaits: nodes.some(({ waitUs }) => waitUs > 0),
    hasMessages: nodes.some(({ sentUs }) => sentUs !== undefined),
    services: [...services.values()]
      .toSorted((one, other) => one.firstUs - other.firstUs)
      .map(({ name, spans, errors }) => ({ name, spans, errors })),
  }
}

/** The span that the trace is about: the first without a parent, or if all parents are missing the first. */
export function mainRoot<Node extends { readonly span: Span }>(roots: readonly Node[]): Node | undefined {
  return roots.find(({ span }) => span.parentSpanId === undefined) ?? roots[0]
}

/** As the list names it: by the deepest route, where the root knows it in part. */
function requestName(root: Span, spans: readonly Span[]): string {
  const served = (span: Span) => (span.kind === 'server' ? servedRequest((key) => attribute(span.attributes, key)) : undefined)
  const asked = served(root)
  if (asked === undefined || asked.isRouted) return root.name
  // Most spans know of no route, and need not say what they were asked for.
  const routed = spans.filter((span) => {
    const answered = attribute(span.attributes, 'http.route') === undefined ? undefined : served(span)
    return answered?.isRouted === true && answered.request === asked.request
  })
  return routed.toSorted((one, other) => other.startUs - one.startUs)[0]?.name ?? asked.request
}

function outcomeOf(root: Span | undefined, spans: readonly Span[]): Outcome {
  if (root !== undefined && root.outcome !== 'ok') return root.outcome
  const isRejected = spans.some((span) => span.kind === 'producer' && saysRejected((key) => attribute(span.attributes, key)))
  return isRejected ? 'rejected' : 'ok'
}
