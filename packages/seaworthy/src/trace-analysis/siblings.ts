import type { SpanTreeNode, TraceSpan } from './span-tree.ts'

/** Siblings that overlap by less than this part of their parent may still follow on each other: clocks differ. */
const OVERLAP_RATIO_MAX = 0.01

interface Child<Span extends TraceSpan> {
  readonly node: SpanTreeNode<Span>
  readonly startUs: number
  readonly endUs: number
}

/** The children of a span of which each waited for the one before, from the last to the first, within a window of the span. */
export class Siblings<Span extends TraceSpan> {
  /** The last to end first. */
  readonly #children: readonly Child<Span>[]
  readonly #overlapMaxUs: number
  #index = 0
  #later: Child<Span> | undefined
  #startsUs: readonly number[] | undefined
  #endsUs: readonly number[] | undefined

  constructor({ node, startUs, endUs }: { node: SpanTreeNode<Span>; startUs: number; endUs: number }) {
    this.#overlapMaxUs = (node.span.endUs - node.span.startUs) * OVERLAP_RATIO_MAX
    this.#children = node.children
      .filter(({ span }) => span.isAsynchronous !== true && span.startUs < endUs && span.endUs > startUs)
      .map((child) => ({ node: child, startUs: Math.max(startUs, child.span.startUs), endUs: Math.min(endUs, child.span.endUs) }))
      .sort((one, other) => other.endUs - one.endUs || one.startUs - other.startUs)
  }

  next(): Child<Span> | undefined {
    for (; this.#index < this.#children.length; this.#index++) {
      const child = this.#children[this.#index]!
      if (this.#later !== undefined && !this.#waitedFor(child, this.#later)) continue
      this.#index++
      this.#later = child
      return child
    }
    return undefined
  }

  #waitedFor(child: Child<Span>, later: Child<Span>): boolean {
    const overlapUs = child.endUs - later.startUs
    if (overlapUs <= 0) return true
    if (overlapUs >= this.#overlapMaxUs || child.startUs >= later.startUs || child.endUs >= later.endUs) return false
    // With a third one that begins or ends in the overlap, they are at work side by side.
    return this.#edgesWithin(later.startUs, child.endUs) === 2
  }

  #edgesWithin(fromUs: number, toUs: number): number {
    this.#startsUs ??= this.#children.map(({ startUs }) => startUs).sort((one, other) => one - other)
    this.#endsUs ??= this.#children.map(({ endUs }) => endUs).sort((one, other) => one - other)
    return countWithin(this.#startsUs, fromUs, toUs) + countWithin(this.#endsUs, fromUs, toUs)
  }
}

/** How many of `sorted` lie from `from` to `to`, both included. */
function countWithin(sorted: readonly number[], from: number, to: number): number {
  return firstFrom(sorted, (value) => value > to) - firstFrom(sorted, (value) => value >= from)
}

/** The first index for which a condition holds, by halves: once it holds it does for all that follow. */
function firstFrom(sorted: readonly number[], holds: (value: number) => boolean): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (holds(sorted[middle]!)) high = middle
    else low = middle + 1
  }
  return low
}
