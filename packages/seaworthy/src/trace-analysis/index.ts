/**
 * Trace analysis: where the time of a request went.
 *
 * The problem: a trace shows every span, and not which of them decided how long the whole took, nor what that one waited for.
 * The guarantee: the stretches of a critical path follow on each other without a gap, and sum to what was asked about; the parts of a verdict sum to the microsecond; spans in any order, with missing
 * parents, circles, clocks that differ, and 10,000 levels are analysed in O(n log n).
 * Not promised: what nobody traced. Between two children a span may have worked or waited; the path says that it was the span, and the verdict which of the two only
 * where its process states facts.
 */
export { type SpanTreeNode, type TraceSpan, spanTree } from './span-tree.ts'
export { type CriticalPath, type PathSegment, criticalPath, pathTo } from './critical-path.ts'
export { type TimePart, type TraceVerdict, type Verdict, traceVerdict } from './verdict.ts'
export { type Finding } from './findings.ts'
export { type Repetition } from './repetitions.ts'
export { differenceSentence, sentence } from './sentence.ts'
export { describe } from './wording.ts'
export {
  type PartDifference,
  type Population,
  type PopulationDifference,
  type StructureDifference,
  slowAgainstUsual,
} from './populations.ts'
export { type TraceProfile, traceProfile } from './trace-profile.ts'
export { CAUSES, type Cause, type SpanAttribute, type SpanEvent, type VerdictSpan } from './verdict-span.ts'
export { type DoubtfulFact, type LockHolder, verdictAttributes } from './span-facts.ts'
export { type LockHolderState, factLink, lockFact, loopStretch, timeFact } from './time-facts.ts'
