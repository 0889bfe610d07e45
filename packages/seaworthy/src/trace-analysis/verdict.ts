import { type AlignedSpan, alignedTrees } from './aligned-spans.ts'
import { type CriticalPath, criticalPath, pathTo } from './critical-path.ts'
import { type Finding, findings } from './findings.ts'
import type { Interval } from './interval.ts'
import { type Parts, type SpentTime, noParts, ownParts } from './own-parts.ts'
import { type Repetition, repetitions } from './repetitions.ts'
import type { DoubtfulFact } from './span-facts.ts'
import { type KnownSpan, type SpanMap, spanMap } from './span-map.ts'
import type { SpanTreeNode } from './span-tree.ts'
import { CAUSES, type Cause, type VerdictSpan } from './verdict-span.ts'

/** A part of the time, in whole microseconds. */
export interface TimePart {
  readonly cause: Cause
  readonly us: number
}

/** Where the time from a beginning to an end went. */
export interface Verdict<Span extends VerdictSpan> {
  /** What was asked for. */
  readonly root: Span
  readonly durationUs: number
  /** Sum exactly to `durationUs`. The largest first; none is zero. */
  readonly parts: readonly TimePart[]
  /** The same time by cause and by who spent it. The largest first. */
  readonly findings: readonly Finding<Span>[]
  /** The same call made again and again, one after another. The largest first. */
  readonly repetitions: readonly Repetition<Span>[]
  /** The findings outside of the largest repetition: with it they sum to the whole. All findings where there is none. */
  readonly besides: readonly Finding<Span>[]
}

export interface TraceVerdict<Span extends VerdictSpan> {
  /** From the request until its answer. */
  readonly answer: Verdict<Span>
  /** From the request until the end of all that it set off, messages included; undefined where that was no later than the answer. */
  readonly whole: Verdict<Span> | undefined
  /**
   * The parts of a span, by its id: they sum exactly to the span, and `downstream` is the time that its children cover. Undefined for a span that is not there.
   * The first call looks at all spans.
   */
  readonly partsOf: (spanId: string) => readonly TimePart[] | undefined
  /** Facts that cannot be, and were cut or left out. */
  readonly doubts: readonly DoubtfulFact[]
  /** Spans that were moved by a millisecond or more because the clock of their process was another, and by how much. */
  readonly shifts: ReadonlyMap<string, number>
}

/**
 * Says for a trace, and for each of its spans, where the time went. Foreign spans, which state no facts, are taken apart as far as their kinds go; the rest is `unexplained`. In O(n log n);
 * undefined for no spans.
 */
export function traceVerdict<Span extends VerdictSpan>(spans: readonly Span[]): TraceVerdict<Span> | undefined {
  const roots = alignedTrees(spans)
  const root = roots.find(({ span }) => span.parentSpanId === undefined) ?? roots[0]
  if (root === undefined) return undefined
  const map = spanMap(roots)
  const last = lastBelow(root)
  let spanParts: ReadonlyMap<string, Parts> | undefined
  return {
    answer: pathVerdict(root, criticalPath(root), map),
    whole: last === undefined ? undefined : pathVerdict(root, pathTo(last), map),
    partsOf(spanId) {
      spanParts ??= partsBySpan(map)
      const parts = spanParts.get(spanId)
      return parts === undefined ? undefined : largestFirst(parts)
    },
    doubts: map.doubts,
    shifts: shiftsOf(map),
  }
}

/** Clocks on one machine agree within it. */
const SHIFT_US_MIN = 1_000

/** The span that ended last of all that a root set off; undefined if that is the root. */
function lastBelow<Span extends VerdictSpan>(root: SpanTreeNode<AlignedSpan<Span>>): SpanTreeNode<AlignedSpan<Span>> | undefined {
  let last = root
  const pending = [root]
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (node.span.endUs > last.span.endUs) last = node
    for (const child of node.children) pending.push(child)
  }
  return last === root ? undefined : last
}

function pathVerdict<Span extends VerdictSpan>(
  root: SpanTreeNode<AlignedSpan<Span>>,
  path: CriticalPath<AlignedSpan<Span>>,
  map: SpanMap<Span>,
): Verdict<Span> {
  const worked: { readonly known: KnownSpan<Span>; readonly intervals: Interval[] }[] = []
  // By the index of the span: its place in `worked`, and how long its message was on the way.
  const places = new Map<number, number>()
  const waited = new Map<number, number>()
  let durationUs = 0
  for (const { span, startUs, endUs, kind } of path.segments) {
    durationUs += endUs - startUs
    if (kind === 'hop') waited.set(span.index, (waited.get(span.index) ?? 0) + endUs - startUs)
    let place = places.get(span.index)
    if (place === undefined) {
      place = worked.push({ known: map.known[span.index]!, intervals: [] }) - 1
      places.set(span.index, place)
    }
    if (kind === 'work') worked[place]!.intervals.push({ startUs, endUs })
  }
  const spent = ownParts(worked, map)
  for (const [index, us] of waited) addHop(map.known[index]!, us, spent[places.get(index)!]!.parts)
  const sum = noParts()
  for (const { parts } of spent) for (const cause of CAUSES) sum[cause] += parts[cause]
  const all = findings(spent, durationUs)
  const repeated = repetitions({ spent, spans: path.spans.map(({ index }) => map.known[index]!), durationUs })
  return {
    root: root.span.source,
    durationUs,
    parts: largestFirst(sum),
    findings: all,
    repetitions: repeated,
    besides: repeated[0] === undefined ? all : findings(outside(spent, repeated[0]), durationUs),
  }
}

/** Without the calls that were repeated and what is below them. */
function outside<Span extends VerdictSpan>(spent: readonly SpentTime<Span>[], { calls }: Repetition<Span>): readonly SpentTime<Span>[] {
  const within = new Set<number>()
  const pending = calls.map(({ node }) => node)
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    within.add(node.span.index)
    for (const child of node.children) pending.push(child)
  }
  return spent.filter(({ known }) => !within.has(known.node.span.index))
}

/** A message on its way: it lay there to be read for as long as its consumer says, or all the time. */
function addHop<Span extends VerdictSpan>({ source, facts }: KnownSpan<Span>, us: number, parts: Parts): void {
  if (source.kind !== 'consumer' && source.kind !== 'producer') {
    parts.unexplained += us
    return
  }
  const queuedUs = Math.min(us, facts.times.queueWaitMs ?? us)
  parts.queue += queuedUs
  parts.network += us - queuedUs
}

function shiftsOf<Span extends VerdictSpan>({ known }: SpanMap<Span>): ReadonlyMap<string, number> {
  const shifts = new Map<string, number>()
  for (const { node } of known) if (Math.abs(node.span.shiftUs) >= SHIFT_US_MIN) shifts.set(node.span.spanId, node.span.shiftUs)
  return shifts
}

function partsBySpan<Span extends VerdictSpan>(map: SpanMap<Span>): ReadonlyMap<string, Parts> {
  const all = new Map<string, Parts>()
  const given = map.known.map((known) => ({ known, intervals: known.own }))
  for (const { known, parts } of ownParts(given, map)) {
    const { spanId, startUs, endUs } = known.node.span
    // For a callee that sends no spans, its own time is downstream already.
    parts.downstream += endUs - startUs - known.ownUs
    all.set(spanId, parts)
  }
  return all
}

function largestFirst(parts: Parts): readonly TimePart[] {
  return CAUSES.filter((cause) => parts[cause] > 0)
    .map((cause) => ({ cause, us: parts[cause] }))
    .sort((one, other) => other.us - one.us)
}
