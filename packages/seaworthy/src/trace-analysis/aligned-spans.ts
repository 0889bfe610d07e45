import { type SpanTreeNode, type TraceSpan, spanTree } from './span-tree.ts'
import type { VerdictSpan } from './verdict-span.ts'

/** A span in whole microseconds, by the clock of the trace's root. */
export interface AlignedSpan<Span extends VerdictSpan> extends TraceSpan {
  readonly source: Span
  startUs: number
  endUs: number
  /** What was added to its times, because its clock was another. */
  shiftUs: number
  /** Its place among all, parents before their children. */
  index: number
}

/**
 * The spans as trees, the clocks of their processes made one: whoever was called cannot have begun before the call nor ended after it. Where the times say so, what
 * happened in that process is moved so that it lies in the middle of the call; without a second message nobody knows better. What only ends a little late has answered before. As Jaeger's clock skew adjuster does it
 * (jaegertracing/jaeger, internal/storage/v2 … adjuster), except that a call that failed may have been given up before its callee ended.
 */
export function alignedTrees<Span extends VerdictSpan>(spans: readonly Span[]): readonly SpanTreeNode<AlignedSpan<Span>>[] {
  const roots = spanTree(spans.map(whole))
  const pending = [...roots].toReversed()
  let index = 0
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    node.span.index = index++
    const shiftUs = node.parent === undefined ? 0 : shift(node.span, node.parent.span)
    if (shiftUs !== 0) {
      node.span.startUs += shiftUs
      node.span.endUs += shiftUs
      node.span.shiftUs = shiftUs
    }
    for (let child = node.children.length - 1; child >= 0; child--) pending.push(node.children[child]!)
  }
  return roots
}

function whole<Span extends VerdictSpan>(source: Span): AlignedSpan<Span> {
  const { spanId, parentSpanId, isAsynchronous } = source
  const startUs = Math.round(source.startUs)
  return { source, spanId, parentSpanId, isAsynchronous, startUs, endUs: Math.max(startUs, Math.round(source.endUs)), shiftUs: 0, index: 0 }
}

/** A server has answered before its span ends: so much later than its caller's it may end without a second clock being to blame. */
const LATE_US_MAX = 5_000
const LATE_RATIO_MAX = 0.1

function shift<Span extends VerdictSpan>(child: AlignedSpan<Span>, parent: AlignedSpan<Span>): number {
  if (processOf(child.source) === processOf(parent.source)) return parent.shiftUs
  if (child.isAsynchronous === true) return 0
  const roomUs = parent.endUs - parent.startUs - (child.endUs - child.startUs)
  const isEarly = child.startUs < parent.startUs
  const isLate =
    parent.source.error === undefined &&
    child.endUs - parent.endUs > Math.max(LATE_US_MAX, (parent.endUs - parent.startUs) * LATE_RATIO_MAX)
  if (roomUs < 0) return isEarly ? parent.startUs - child.startUs : 0
  return isEarly || isLate ? parent.startUs + Math.floor(roomUs / 2) - child.startUs : 0
}

/** A name for the process that a span is of. */
export function processOf({ service, instance }: VerdictSpan): string {
  return instance === undefined ? service : `${service}\n${instance}`
}
