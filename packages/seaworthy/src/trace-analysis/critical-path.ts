import type { SpanTreeNode, TraceSpan } from './span-tree.ts'
import { Siblings } from './siblings.ts'

/** A stretch of the critical path. */
export interface PathSegment<Span extends TraceSpan> {
  readonly span: Span
  readonly startUs: number
  readonly endUs: number
  /** `work`: the span itself was at work, and waited for none of its children. `hop`: its message was on the way to it. */
  readonly kind: 'work' | 'hop'
}

export interface CriticalPath<Span extends TraceSpan> {
  /** In the order of time, without a gap: together they last as long as what was asked about. */
  readonly segments: readonly PathSegment<Span>[]
  /** All spans that the path goes through, parents before their children, and later ones before earlier ones. */
  readonly spans: readonly Span[]
}

interface Window<Span extends TraceSpan> {
  readonly node: SpanTreeNode<Span>
  readonly startUs: number
  readonly endUs: number
}

/**
 * The path that decides how long `root` took: backwards from its end, in each span the child that ended last before the point that was reached, and into it. Whatever is
 * not on the path could have been quicker without the root being so.
 *
 * After CRISP (Zhang et al., "CRISP: Critical Path Analysis of Large-Scale Microservice Architectures", USENIX ATC 2022), and with its conventions:
 * what of a child lies outside of its parent does not count; of two siblings that overlap by less than a hundredth of their parent, with nothing else in
 * between, the second is taken to have waited for the first, because clocks differ. Otherwise than there, two siblings of which one begins in the very
 * microsecond in which the other ends follow on each other; children that handle a message (`isAsynchronous`) are not waited for; and nothing is recursive or quadratic.
 */
export function criticalPath<Span extends TraceSpan>(root: SpanTreeNode<Span>): CriticalPath<Span> {
  return inOrder(sweep({ node: root, startUs: root.span.startUs, endUs: root.span.endUs }))
}

/**
 * The path from the beginning of a trace to the end of one of its spans, through messages too: what decided how long it took from the request to the e-mail that it caused. In each ancestor the
 * critical path until the next one began; then, if that one had ended before, the hop of the message.
 */
export function pathTo<Span extends TraceSpan>(target: SpanTreeNode<Span>): CriticalPath<Span> {
  const upwards: SpanTreeNode<Span>[] = []
  for (let node: SpanTreeNode<Span> | undefined = target; node !== undefined; node = node.parent) upwards.push(node)
  const chain = upwards.toReversed()
  let reachedUs = chain[0]!.span.startUs
  const parts = chain.map((node, index): Backwards<Span> => {
    const next = chain[index + 1]
    // A span that began before its parent, by another clock, counts from where the path is.
    const startUs = Math.max(reachedUs, node.span.startUs)
    const endUs = Math.max(startUs, next === undefined ? node.span.endUs : Math.min(node.span.endUs, next.span.startUs))
    const part = sweep({ node, startUs, endUs })
    reachedUs = Math.max(endUs, next?.span.startUs ?? endUs)
    if (next !== undefined && reachedUs > endUs) part.segments.unshift({ span: next.span, startUs: endUs, endUs: reachedUs, kind: 'hop' })
    return part
  })
  return inOrder({
    segments: parts.toReversed().flatMap(({ segments }) => segments),
    spans: parts.flatMap(({ spans }) => spans),
  })
}

/** The segments from the last to the first. */
interface Backwards<Span extends TraceSpan> {
  readonly segments: PathSegment<Span>[]
  readonly spans: Span[]
}

function inOrder<Span extends TraceSpan>({ segments, spans }: Backwards<Span>): CriticalPath<Span> {
  return { segments: segments.toReversed(), spans }
}

function sweep<Span extends TraceSpan>(from: Window<Span>): Backwards<Span> {
  const segments: PathSegment<Span>[] = []
  const spans = [from.node.span]
  const work = (span: Span, startUs: number, endUs: number) => {
    if (endUs > startUs) segments.push({ span, startUs, endUs, kind: 'work' })
  }
  const open = [{ window: from, siblings: new Siblings(from), reachedUs: from.endUs }]
  for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
    const { window, siblings } = top
    const child = siblings.next()
    if (child === undefined) {
      work(window.node.span, window.startUs, top.reachedUs)
      open.pop()
      continue
    }
    const endUs = Math.min(child.endUs, top.reachedUs)
    work(window.node.span, endUs, top.reachedUs)
    top.reachedUs = Math.min(child.startUs, endUs)
    const inside = { node: child.node, startUs: top.reachedUs, endUs }
    spans.push(child.node.span)
    open.push({ window: inside, siblings: new Siblings(inside), reachedUs: endUs })
  }
  return { segments, spans }
}
