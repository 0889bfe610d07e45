import { type SpanTreeNode, criticalPath } from 'seaworthy/trace-analysis'
import type { Span } from '../../../src/otlp/read-trace.ts'
import { mainRoot } from './trace-facts.ts'

export interface Stretch {
  readonly startUs: number
  readonly endUs: number
}

/** What decided how long the request took. */
export interface PathView {
  /** When each span on the path was itself at work, by its id. Empty for one that only waited for others. */
  readonly stretches: ReadonlyMap<string, readonly Stretch[]>
  /** Each span's own part of the path, in microseconds; the longest first. */
  readonly spans: readonly { readonly spanId: string; readonly us: number }[]
  /** The same by id: asked for each row that is drawn. */
  readonly usOf: ReadonlyMap<string, number>
  /** The parts of the services, the longest first. */
  readonly services: readonly { readonly name: string; readonly us: number; readonly ratio: number }[]
}

/** The critical path from the request until its answer. */
export function pathView(roots: readonly SpanTreeNode<Span>[]): PathView | undefined {
  const root = mainRoot(roots)
  if (root === undefined) return undefined
  const { segments, spans } = criticalPath(root)
  const stretches = new Map<string, Stretch[]>(spans.map(({ spanId }) => [spanId, []]))
  const services = new Map<string, number>()
  const bySpan = new Map<string, number>()
  for (const { span, startUs, endUs } of segments) {
    stretches.get(span.spanId)!.push({ startUs, endUs })
    services.set(span.service, (services.get(span.service) ?? 0) + endUs - startUs)
    bySpan.set(span.spanId, (bySpan.get(span.spanId) ?? 0) + endUs - startUs)
  }
  const durationUs = root.span.endUs - root.span.startUs
  return {
    stretches,
    spans: longestFirst(bySpan).map(([spanId, us]) => ({ spanId, us })),
    usOf: bySpan,
    services: longestFirst(services).map(([name, us]) => ({ name, us, ratio: us / durationUs })),
  }
}

function longestFirst(times: ReadonlyMap<string, number>): readonly [name: string, us: number][] {
  return [...times].toSorted(([, one], [, other]) => other - one)
}
