import type { Place } from '../../../../src/map/call-matcher.ts'
import type { Edge, HistogramBucket } from '../../../../src/map/edge-window.ts'
import type { ServiceResilience } from '../../../../src/system/resilience.ts'
import { formatDuration, formatRate, formatShare } from '../../view-model/format.ts'
import { edgeId, placeKind, placeName } from '../../view-model/place.ts'
import type { Condition, Tone } from '../../view-model/messages.ts'
import { resilienceView } from '../../view-model/resilience.ts'

/** Calls from one place to another, as they are shown. */
export interface EdgeView extends Edge {
  readonly id: string
  readonly callerName: string
  readonly calleeName: string
  readonly rate: string
  /** Undefined where nothing failed. */
  readonly errors: string | undefined
  readonly p95: string
  /** From 1 to 5 by the rate: how thick it is drawn. */
  readonly weight: number
  /** How the caller guards these calls; undefined where it does not, or does not say. */
  readonly breaker: Condition | undefined
  readonly tone: 'error' | 'warn' | 'quiet'
}

/** A share of failures above which an edge is drawn as failing. */
const FAILING = 0.05

export function edgeViews(edges: readonly Edge[], services: readonly ServiceResilience[]): readonly EdgeView[] {
  const breakers = breakersOf(services)
  return edges.map((edge) => {
    const { caller, callee, count, errorCount, ratePerSecond, p95Ms } = edge
    const id = edgeId(caller, callee)
    const breaker = breakers.get(id)
    const isFailing = errorCount / count >= FAILING || breaker?.tone === 'error'
    return {
      ...edge,
      id,
      callerName: placeName(caller),
      calleeName: placeName(callee),
      rate: formatRate(ratePerSecond),
      errors: errorCount === 0 ? undefined : formatShare(errorCount, count),
      p95: formatDuration(p95Ms * 1_000),
      weight: Math.max(1, Math.min(5, 1 + Math.log10(Math.max(0.1, ratePerSecond) * 10))),
      breaker,
      tone: isFailing ? 'error' : errorCount > 0 || breaker?.tone === 'warn' ? 'warn' : 'quiet',
    }
  })
}

/** Without what services keep to themselves: their databases, and the topics between them. */
export function isBetweenServices({ caller, callee }: Pick<Edge, 'caller' | 'callee'>): boolean {
  const hidden = (place: Place) => placeKind(place) === 'database' || placeKind(place) === 'topic'
  return !hidden(caller) && !hidden(callee)
}

const WORST_FIRST: readonly Tone[] = ['error', 'warn', 'ok', 'quiet']

/** The breakers of each pair, the worst for it: an instance may guard its calls for itself, and a callee may be guarded part by part. */
function breakersOf(services: readonly ServiceResilience[]): ReadonlyMap<string, Condition> {
  const found = new Map<string, Condition>()
  for (const { service, call, breaker } of resilienceView(services).calls) {
    const callee = call.split('/')[0]!
    for (const caller of [service, service.replace(/-\d+$/, '')]) {
      const id = edgeId(`service:${caller}`, `service:${callee}`)
      const known = found.get(id)
      if (known === undefined || WORST_FIRST.indexOf(breaker.tone) < WORST_FIRST.indexOf(known.tone)) found.set(id, breaker)
    }
  }
  return found
}

/** A bar of the histogram; one without calls has no trace to open. */
export interface Bar {
  readonly fromMs: number
  readonly toMs: number
  readonly count: number
  readonly errorCount: number
  /** From 0 to 1. */
  readonly height: number
  readonly errorHeight: number
  readonly exemplar: HistogramBucket['exemplar'] | undefined
}

const BARS_MAX = 36

/**
 * The bars from the fastest to the slowest call. Neighbours are put together until there is room for all; places where nobody was stay empty, so that the
 * distance of an outlier is seen.
 */
export function histogramBars(buckets: readonly HistogramBucket[]): readonly Bar[] {
  const [first, last] = [buckets[0], buckets.at(-1)]
  if (first === undefined || last === undefined) return []
  const octaves = Math.log2(last.toMs / Math.max(first.fromMs, first.toMs / 2))
  const perOctave = [8, 4, 2, 1].find((steps) => octaves * steps <= BARS_MAX) ?? 1
  const numberOf = ({ fromMs, toMs }: HistogramBucket) =>
    Math.floor(Math.log2(Math.sqrt(Math.max(fromMs, toMs / 2) * toMs) * 1_000) * perOctave)
  const grouped = Map.groupBy(buckets, numberOf)
  const start = numberOf(first)
  const sums = Array.from({ length: numberOf(last) - start + 1 }, (_, index) => sumOf(grouped.get(start + index) ?? []))
  const highest = Math.max(...sums.map(({ count }) => count))
  return sums.map(({ count, errorCount, exemplar }, index) => {
    const bound = (number: number) => 2 ** (number / perOctave) / 1_000
    return {
      fromMs: bound(start + index),
      toMs: bound(start + index + 1),
      count,
      errorCount,
      height: count / highest,
      errorHeight: errorCount / highest,
      exemplar,
    }
  })
}

function sumOf(buckets: readonly HistogramBucket[]): Pick<Bar, 'count' | 'errorCount' | 'exemplar'> {
  const failed = buckets.find(({ exemplar }) => exemplar.isError)
  return {
    count: buckets.reduce((sum, { count }) => sum + count, 0),
    errorCount: buckets.reduce((sum, { errorCount }) => sum + errorCount, 0),
    exemplar: (failed ?? buckets.at(-1))?.exemplar,
  }
}
