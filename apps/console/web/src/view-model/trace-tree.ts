import { type SpanTreeNode, spanTree, timeFact } from 'seaworthy/trace-analysis'
import { LOG_WAIT, OUTBOX_WAIT } from '../../../src/otlp/attribute-names.ts'
import { madeGood, subjectOf } from '../../../src/otlp/attempts.ts'
import { type Span, attribute } from '../../../src/otlp/read-trace.ts'

/** A span with its place in the tree. */
export interface SpanNode {
  readonly span: Span
  readonly depth: number
  readonly parent: SpanNode | undefined
  readonly children: readonly SpanNode[]
  /** Its place among its parent's children, from 0. */
  readonly position: number
  /** Spans below it. */
  readonly descendants: number
  /** It failed, and nothing made that good. */
  readonly isError: boolean
  /** Spans below it of which that is true. */
  readonly errorsBelow: number
  /** It is a failed attempt that was repeated with success, or a part of one. */
  readonly retried: 'attempt' | 'part' | undefined
  /** How it hangs on its parent. `missing`: its parent is named and not in the trace. */
  readonly relation: 'root' | 'child' | 'async' | 'missing'
  /** For an asynchronous hop: when its message was handed over, where that is known; the time until the span's start is waiting. */
  readonly sentUs: number | undefined
  /** Waiting at the beginning of the span itself: in the outbox, or for the database's turn. */
  readonly waitUs: number
  /** Time that no child covers. Waiting of its own counts. */
  readonly selfUs: number
  /** How long before its parent it began: more than measuring allows means that two clocks differ. */
  readonly skewUs: number
}

/** Clocks of processes on one machine agree within this. */
const SKEW_TOLERANCE_US = 1_000

/** One tree, or several, of all spans, as the analysis sees them, with what the page shows of each. */
export function buildTree(spans: readonly Span[]): readonly SpanNode[] {
  return finish(spanTree(spans), retriedSpans(spans))
}

type Retried = (spanId: string) => SpanNode['retried']

function retriedSpans(spans: readonly Span[]): Retried {
  // Most traces have no failure, and what of fifty thousand spans was about need not be known then.
  if (!spans.some(({ outcome }) => outcome === 'failed')) return () => undefined
  const { attempts, spans: all } = madeGood(
    spans.map(({ attributes, outcome, ...span }) => ({
      ...span,
      isError: outcome === 'failed',
      subject: subjectOf((key) => attribute(attributes, key)),
    })),
  )
  return (spanId) => (attempts.has(spanId) ? 'attempt' : all.has(spanId) ? 'part' : undefined)
}

type MutableNode = { -readonly [Key in keyof SpanNode]: SpanNode[Key] } & { children: MutableNode[] }

function finish(trees: readonly SpanTreeNode<Span>[], retried: Retried): readonly SpanNode[] {
  const order: MutableNode[] = []
  const roots: MutableNode[] = []
  const pending: { readonly draft: SpanTreeNode<Span>; readonly parent: MutableNode | undefined }[] = []
  for (let index = trees.length - 1; index >= 0; index--) pending.push({ draft: trees[index]!, parent: undefined })
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { draft, parent } = next
    const siblings = parent?.children ?? roots
    const node = place(draft.span, { parent, position: siblings.length, retried: retried(draft.span.spanId) })
    siblings.push(node)
    order.push(node)
    for (let index = draft.children.length - 1; index >= 0; index--) pending.push({ draft: draft.children[index]!, parent: node })
  }
  // Backwards: children stand behind their parents.
  for (let index = order.length - 1; index >= 0; index--) {
    const node = order[index]!
    for (const child of node.children) {
      node.descendants += child.descendants + 1
      node.errorsBelow += child.errorsBelow + Number(child.isError)
    }
    node.selfUs = selfTime(node)
  }
  return roots
}

function place(
  span: Span,
  {
    parent,
    position,
    retried,
  }: { readonly parent: MutableNode | undefined; readonly position: number; readonly retried: SpanNode['retried'] },
): MutableNode {
  const isAsync = parent !== undefined && span.isAsynchronous && span.kind !== 'producer'
  return {
    span,
    depth: parent === undefined ? 0 : parent.depth + 1,
    parent,
    children: [],
    position,
    descendants: 0,
    isError: span.outcome === 'failed' && retried === undefined,
    errorsBelow: 0,
    retried,
    relation: parent === undefined ? (span.parentSpanId === undefined ? 'root' : 'missing') : isAsync ? 'async' : 'child',
    sentUs: isAsync ? sentAt(span, parent.span) : undefined,
    waitUs: Math.min(span.endUs - span.startUs, Math.max(waitMs(span, OUTBOX_WAIT), waitMs(span, timeFact.poolWaitMs)) * 1_000),
    selfUs: 0,
    skewUs: parent === undefined || parent.span.startUs - span.startUs <= SKEW_TOLERANCE_US ? 0 : parent.span.startUs - span.startUs,
  }
}

/** The end of the producer's span, when the broker had the message; else what the consumer knows of its wait, which lies before its span. */
function sentAt(span: Span, parent: Span): number | undefined {
  if (parent.kind === 'producer' && parent.endUs <= span.startUs) return parent.endUs
  const waitUs = waitMs(span, LOG_WAIT) * 1_000
  return waitUs > 0 ? span.startUs - waitUs : undefined
}

function waitMs(span: Span, name: string): number {
  const text = attribute(span.attributes, name)
  const value = text === undefined ? 0 : Number(text)
  return Number.isFinite(value) && value > 0 ? value : 0
}

/** The span's duration less the union of its children's, where they lie within it. */
function selfTime({ span, children }: SpanNode): number {
  let covered = 0
  let reachedUs = span.startUs
  // Children are in the order of their starts.
  for (const { span: child } of children) {
    const startUs = Math.max(child.startUs, reachedUs)
    const endUs = Math.min(child.endUs, span.endUs)
    if (endUs <= startUs) continue
    covered += endUs - startUs
    reachedUs = endUs
  }
  return Math.max(0, span.endUs - span.startUs - covered)
}
