/** What the analysis looks at. Whoever calls it has more in its spans, and gets the same objects back. */
export interface TraceSpan {
  readonly spanId: string
  readonly parentSpanId?: string | undefined
  /** Microseconds, from any common origin. */
  readonly startUs: number
  readonly endUs: number
  /** Its parent did not wait for it: it handles a message that the parent sent. */
  readonly isAsynchronous?: boolean | undefined
}

/** A span with its place in the tree. */
export interface SpanTreeNode<Span extends TraceSpan> {
  readonly span: Span
  readonly parent: SpanTreeNode<Span> | undefined
  /** In the order of their starts; of two that start together, the longer first. */
  readonly children: readonly SpanTreeNode<Span>[]
}

interface Draft<Span extends TraceSpan> extends SpanTreeNode<Span> {
  readonly index: number
  parent: Draft<Span> | undefined
  children: Draft<Span>[]
  isReached: boolean
}

/**
 * One tree, or several, of all spans: each under its parent. A span whose parent is missing is a root, and so is the earliest of a circle of parents; every
 * span is there exactly once. Works without recursion: a chain of 10,000 spans is a tree too. In O(n log n).
 * @returns the roots in the order of their starts
 */
export function spanTree<Span extends TraceSpan>(spans: readonly Span[]): readonly SpanTreeNode<Span>[] {
  const drafts = spans.map((span, index): Draft<Span> => ({ span, index, children: [], parent: undefined, isReached: false }))
  const byId = new Map(drafts.map((draft) => [draft.span.spanId, draft]))
  const roots: Draft<Span>[] = []
  for (const draft of drafts) {
    const parent = draft.span.parentSpanId === undefined ? undefined : byId.get(draft.span.parentSpanId)
    if (parent === undefined || parent === draft) roots.push(draft)
    else {
      draft.parent = parent
      parent.children.push(draft)
    }
  }
  breakCircles(drafts, roots)
  for (const { children } of drafts) if (children.length > 1) children.sort(byTime)
  return roots.sort(byTime)
}

function byTime<Span extends TraceSpan>(one: Draft<Span>, other: Draft<Span>): number {
  return one.span.startUs - other.span.startUs || other.span.endUs - one.span.endUs || one.index - other.index
}

/** Spans that no root leads to are each other's ancestors: the earliest of a circle becomes a root. */
function breakCircles<Span extends TraceSpan>(drafts: readonly Draft<Span>[], roots: Draft<Span>[]): void {
  let count = 0
  const reach = (from: Draft<Span>): void => {
    const pending = [from]
    for (let draft = pending.pop(); draft !== undefined; draft = pending.pop()) {
      if (draft.isReached) continue
      draft.isReached = true
      count++
      // One by one: a span with 200,000 children has more than a call takes arguments.
      for (const child of draft.children) pending.push(child)
    }
  }
  for (const root of roots) reach(root)
  if (count === drafts.length) return
  for (const draft of [...drafts].sort(byTime)) {
    if (draft.isReached) continue
    const { parent } = draft
    if (parent !== undefined) parent.children = parent.children.filter((child) => child !== draft)
    draft.parent = undefined
    roots.push(draft)
    reach(draft)
  }
}
