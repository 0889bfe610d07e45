import { type Interval, lengthOf } from './interval.ts'
import type { LoopStretches } from './loop-stretches.ts'
import type { KnownSpan, SpanMap } from './span-map.ts'
import type { Cause, VerdictSpan } from './verdict-span.ts'

/** Whole microseconds by cause. */
export type Parts = Record<Cause, number>

// Written out: 50,000 of them are made for one trace.
export const noParts = (): Parts => ({
  code: 0,
  cpu: 0,
  'blocked-loop': 0,
  admission: 0,
  'pool-wait': 0,
  'lock-wait': 0,
  query: 0,
  network: 0,
  queue: 0,
  downstream: 0,
  unexplained: 0,
})

/** Some of the own time of a span. */
export interface OwnTime<Span extends VerdictSpan> {
  readonly known: KnownSpan<Span>
  readonly intervals: readonly Interval[]
}

/** What a span spent time on. */
export interface SpentTime<Span extends VerdictSpan> {
  readonly known: KnownSpan<Span>
  readonly parts: Parts
  /** Of its CPU and blocked loop, how much was for other requests. */
  ofOthersUs: number
}

/** A reply is seen so soon after the stretch of the event loop that it had to wait for. */
const SEEN_AFTER_US = 5_000

/**
 * Takes apart some of the own time of spans: of each span the intervals that are given, which the parts sum to. A fact of a span that says no moment is spread evenly over
 * its own time, except for waits, which come first. What a process did in a span's window (CPU, blocked loop) is counted where its stretches of the loop lie, and the
 * rest of it in what is left of the time in which the process was at it.
 */
export function ownParts<Span extends VerdictSpan>(given: readonly OwnTime<Span>[], { loopOf }: SpanMap<Span>): readonly SpentTime<Span>[] {
  const busy = new Map<KnownSpan<Span>, LocalTime[]>()
  const all = given.map(({ known, intervals }): SpentTime<Span> => {
    const spent: SpentTime<Span> = { known, parts: noParts(), ofOthersUs: 0 }
    const { parts } = spent
    const localUs = takeApart(spent, intervals, loopOf)
    if (known.entry === undefined) parts.unexplained += localUs
    else if (localUs > 0) {
      const times = busy.get(known.entry) ?? []
      busy.set(known.entry, times)
      times.push({ parts, us: localUs })
    }
    return spent
  })
  for (const [entry, times] of busy) spreadLocalTime(entry, times)
  return all
}

/** Fills `parts`. @returns what is left: time in which the span's process was at it, in microseconds */
function takeApart<Span extends VerdictSpan>(
  spent: SpentTime<Span>,
  intervals: readonly Interval[],
  loopOf: (span: Span) => LoopStretches,
): number {
  const { known, parts } = spent
  const { role, facts, node } = known
  let rest = intervals
  const takeStretches = (loop: LoopStretches) => {
    const { cpuUs, blockedUs, ofOthersUs, rest: left } = loop.takeFrom(rest)
    spent.ofOthersUs += ofOthersUs
    parts.cpu += cpuUs
    parts['blocked-loop'] += blockedUs
    rest = left
  }
  const takeFirst = (cause: Cause, us: number | undefined) => {
    const { taken, left } = firstOf(rest, node.span.startUs + (us ?? 0))
    parts[cause] += taken
    rest = left
  }
  const share = known.ownUs === 0 ? 1 : Math.min(1, lengthOf(intervals) / known.ownUs)
  switch (role) {
    case 'local':
      takeStretches(known.loop)
      // A handler may have waited to be let through in its midst, once or more often.
      parts.admission += Math.min(lengthOf(rest), Math.round((facts.times.admissionWaitMs ?? 0) * share))
      return lengthOf(rest) - parts.admission
    case 'call': {
      takeStretches(known.loop)
      for (const callee of new Set(known.callees.map(({ span }) => loopOf(span.source)))) takeStretches(callee)
      takeFirst('admission', facts.times.admissionWaitMs)
      // From one attempt to the next it is the caller that waits.
      const betweenUs = between(rest, known)
      parts.network += lengthOf(rest) - betweenUs
      return betweenUs
    }
    case 'database': {
      takeLateStretch(known, takeStretches)
      takeFirst('admission', facts.times.admissionWaitMs)
      takeFirst('pool-wait', facts.times.poolWaitMs)
      return takeStatements(known, { restUs: lengthOf(rest), share }, parts)
    }
    case 'untraced':
      takeLateStretch(known, takeStretches)
      takeFirst('admission', facts.times.admissionWaitMs)
      parts.downstream += lengthOf(rest)
      return 0
    case 'send':
      takeFirst('queue', facts.outboxWaitUs)
      takeLateStretch(known, takeStretches)
      parts.downstream += lengthOf(rest)
      return 0
  }
}

/** A reply that came while the loop was busy was seen when that was over: until then it is the loop's time. SQLite itself works on the loop. */
function takeLateStretch<Span extends VerdictSpan>(
  { loop, node, facts }: KnownSpan<Span>,
  takeStretches: (loop: LoopStretches) => void,
): void {
  const late = facts.database?.includes('sqlite') === true ? undefined : loop.until(node.span.endUs, SEEN_AFTER_US)
  if (late !== undefined) takeStretches(late)
}

function takeStatements<Span extends VerdictSpan>(
  { statements }: KnownSpan<Span>,
  { restUs, share }: { readonly restUs: number; readonly share: number },
  parts: Parts,
): number {
  const lockUs = Math.min(restUs, Math.round(statements.lockWaitUs * share))
  parts['lock-wait'] += lockUs
  const { executeUs } = statements
  const queryUs = executeUs === undefined ? restUs - lockUs : Math.min(restUs - lockUs, Math.round(executeUs * share))
  parts.query += queryUs
  return restUs - lockUs - queryUs
}

/** What of `intervals` lies before a moment. */
function firstOf(intervals: readonly Interval[], untilUs: number): { readonly taken: number; readonly left: readonly Interval[] } {
  if (intervals.length === 0 || intervals[0]!.startUs >= untilUs) return { taken: 0, left: intervals }
  const left = intervals
    .filter(({ endUs }) => endUs > untilUs)
    .map(({ startUs, endUs }) => ({ startUs: Math.max(startUs, untilUs), endUs }))
  return { taken: lengthOf(intervals) - lengthOf(left), left }
}

/** What of `intervals` lies after the first callee had answered and before the last one was reached. */
function between<Span extends VerdictSpan>(intervals: readonly Interval[], { callees }: KnownSpan<Span>): number {
  if (callees.length < 2) return 0
  const fromUs = Math.min(...callees.map(({ span }) => span.endUs))
  const toUs = Math.max(...callees.map(({ span }) => span.startUs))
  let us = 0
  for (const { startUs, endUs } of intervals) us += Math.max(0, Math.min(endUs, toUs) - Math.max(startUs, fromUs))
  return us
}

interface LocalTime {
  readonly parts: Parts
  readonly us: number
}

/** CPU first, then the blocked loop, evenly over all of the time; the rest is the code's. Sums are kept to the microsecond. */
function spreadLocalTime<Span extends VerdictSpan>({ facts: { times }, node, loop }: KnownSpan<Span>, local: readonly LocalTime[]): void {
  const counted = loop.within(node.span)
  const statedBlockedUs = times.loopBlockedMs ?? 0
  const statedCpuUs = times.cpuMs ?? Math.max(0, (times.loopActiveMs ?? 0) - statedBlockedUs)
  const allUs = local.reduce((sum, { us }) => sum + us, 0)
  const wantedCpuUs = statedCpuUs + (times.processorWaitMs ?? 0)
  const cpuUs = Math.min(allUs, Math.max(0, wantedCpuUs - counted.cpuUs))
  const busyUs = Math.min(allUs, cpuUs + Math.max(0, statedBlockedUs - counted.blockedUs))
  let passedUs = 0
  for (const { parts, us } of local) {
    const upTo = (total: number, reachedUs: number) => Math.round((total * reachedUs) / allUs)
    const busyHereUs = upTo(busyUs, passedUs + us) - upTo(busyUs, passedUs)
    const cpuHereUs = Math.min(busyHereUs, upTo(cpuUs, passedUs + us) - upTo(cpuUs, passedUs))
    passedUs += us
    parts.cpu += cpuHereUs
    parts['blocked-loop'] += busyHereUs - cpuHereUs
    parts.code += us - busyHereUs
  }
}
