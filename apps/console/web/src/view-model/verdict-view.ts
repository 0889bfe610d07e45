import {
  type Cause,
  type DoubtfulFact,
  type LockHolder,
  type TimePart,
  type TraceVerdict,
  type Verdict,
  lockFact,
  sentence,
} from 'seaworthy/trace-analysis'
import { type Attribute, type Span, attribute } from '../../../src/otlp/read-trace.ts'
import { formatDuration } from './format.ts'
import type { Route } from '../pages/registry.ts'

/** What a cause is called, and what it means for somebody who reads it for the first time. */
export const CAUSE_TEXT: Readonly<Record<Cause, { readonly name: string; readonly meaning: string }>> = {
  code: { name: 'own code', meaning: 'Its own code waited for something that no span covers: a timer, a file, a callee without traces' },
  cpu: { name: 'CPU', meaning: 'The thread computed, or waited for a processor, for this request or for others' },
  'blocked-loop': { name: 'blocked loop', meaning: 'A synchronous call held the event loop while the CPU was idle' },
  admission: { name: 'admission', meaning: 'A bulkhead, a limiter or a gateway held it back' },
  'pool-wait': { name: 'pool wait', meaning: 'No database connection was free, or SQLite’s writer was taken' },
  'lock-wait': { name: 'lock wait', meaning: 'A statement waited for a lock that another transaction held' },
  query: { name: 'query', meaning: 'The database was at work' },
  network: { name: 'network', meaning: 'Between a call and its being served, on the way there or back' },
  queue: { name: 'queue', meaning: 'A message lay in an outbox, a log or a queue' },
  downstream: { name: 'downstream', meaning: 'Somebody else was at work' },
  unexplained: { name: 'unexplained', meaning: 'Nobody recorded enough to tell' },
}

/** A part as it is drawn. */
export interface ShownPart {
  readonly cause: Cause
  readonly us: number
  /** 0 to 1. */
  readonly ratio: number
  /** Its tone: 1 for the largest, 4 for all after the third. */
  readonly rank: 1 | 2 | 3 | 4
  /** The span with the most of it, where there is one. */
  readonly spanId: string | undefined
}

/** One path through a trace as it stands above its spans. */
export interface ShownPath {
  readonly kind: 'answer' | 'whole'
  readonly sentence: string
  readonly durationUs: number
  readonly parts: readonly ShownPart[]
  /** Who held the lock that it waited for, if that is a trace that can be opened. */
  readonly holder: (LockHolder & { readonly traceId: string }) | undefined
}

/** What goes on after the answer is told where it takes so much longer. */
const WHOLE_RATIO_MIN = 1.2

/** What the page shows of a verdict on a trace. Plain data, which can be sent from one thread to another. */
export interface ShownVerdict {
  readonly paths: readonly ShownPath[]
  /** Ids of the spans to look at, the one with the most time first, each once. */
  readonly spansToLookAt: readonly string[]
  readonly doubts: readonly DoubtfulFact[]
  /** Spans of another clock, which were moved. */
  readonly movedCount: number
}

export function shownVerdict({ answer, whole, doubts, shifts }: TraceVerdict<Span>): ShownVerdict {
  const isWholeTold = whole !== undefined && whole.durationUs > answer.durationUs * WHOLE_RATIO_MIN
  const findings = [...answer.findings, ...(whole?.findings ?? [])]
  return {
    paths: [shownPath('answer', answer), ...(isWholeTold ? [shownPath('whole', whole)] : [])],
    spansToLookAt: [...new Set(findings.map(({ span }) => span.spanId))],
    doubts,
    movedCount: shifts.size,
  }
}

function shownPath(kind: ShownPath['kind'], verdict: Verdict<Span>): ShownPath {
  const spanOf = (cause: Cause) => verdict.findings.find((finding) => finding.cause === cause)?.span.spanId
  const holder = verdict.findings.find(({ lockHolder }) => lockHolder?.traceId !== undefined)?.lockHolder
  return {
    kind,
    sentence: sentence(verdict),
    durationUs: verdict.durationUs,
    parts: shownParts(verdict.parts, verdict.durationUs, spanOf),
    holder: holder?.traceId === undefined ? undefined : { ...holder, traceId: holder.traceId },
  }
}

export function shownParts(
  parts: readonly TimePart[],
  durationUs: number,
  spanOf: (cause: Cause) => string | undefined = () => undefined,
): readonly ShownPart[] {
  return parts.map(({ cause, us }, index) => ({
    cause,
    us,
    ratio: durationUs === 0 ? 0 : us / durationUs,
    rank: Math.min(4, index + 1) as ShownPart['rank'],
    spanId: spanOf(cause),
  }))
}

/** Who held the lock that a span waited for, as its details say it. */
export interface ShownHolder {
  readonly who: string
  /** What it did meanwhile, to stand behind its name; empty where nobody knows. */
  readonly state: string
  readonly trace: Extract<Route, { readonly page: 'trace' }> | undefined
}

export function lockHolder(attributes: readonly Attribute[]): ShownHolder | undefined {
  const fact = (name: keyof typeof lockFact) => attribute(attributes, lockFact[name]) || undefined
  const [service, pid, state, idleMs, traceId] = [
    fact('blockerService'),
    fact('blockerPid'),
    fact('blockerState'),
    fact('blockerIdleMs'),
    fact('blockerTraceId'),
  ]
  if (service === undefined && pid === undefined && traceId === undefined) return undefined
  const idle = idleMs === undefined ? '' : ` for ${formatDuration(Number(idleMs) * 1_000)}`
  return {
    who: service ?? (pid === undefined ? 'somebody unknown' : `process ${pid} of the database`),
    state: state === undefined ? '' : `, ${state}${idle}`,
    trace: traceId === undefined ? undefined : { page: 'trace', traceId, spanId: fact('blockerSpanId') },
  }
}
