/**
 * Trace analysis: where the time of a request went.
 *
 * The problem: a trace shows every span, and not which of them decided how long the whole took.
 * The guarantee: the stretches of a critical path follow on each other without a gap, and sum to what was asked about; spans in any order, with missing
 * parents, circles, clocks that differ, and 10,000 levels are analysed in O(n log n).
 * Not promised: what nobody traced. Between two children a span may have worked or waited; the path says that it was the span.
 */
export { type SpanTreeNode, type TraceSpan, spanTree } from './span-tree.ts'
export { type CriticalPath, type PathSegment, criticalPath, pathTo } from './critical-path.ts'
export { type LockHolderState, factLink, lockFact, loopStretch, timeFact } from './time-facts.ts'
