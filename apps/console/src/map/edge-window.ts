import { type Clock, systemClock } from 'seaworthy/core'
import { bucketBoundsMs, bucketOf } from '../system/latency-buckets.ts'
import type { ObservedCall, Place } from './call-matcher.ts'

/** A trace that stands for the calls of a bucket. */
interface Exemplar {
  readonly traceId: string
  readonly spanId: string
  readonly durationMs: number
  readonly endMs: number
  readonly isError: boolean
}

export interface HistogramBucket {
  readonly fromMs: number
  readonly toMs: number
  readonly count: number
  readonly errorCount: number
  /** The newest that failed, or else the newest. */
  readonly exemplar: Exemplar
}

/** Calls from one place to another within a window. */
export interface Edge {
  readonly caller: Place
  readonly callee: Place
  readonly count: number
  readonly errorCount: number
  readonly ratePerSecond: number
  readonly p50Ms: number
  readonly p95Ms: number
  readonly p99Ms: number
}

const SLOT_MS = 60_000
const SLOTS = 60
/** The longest window: an hour in slots of a minute. */
export const MINUTES_MAX = SLOTS
const EDGES_MAX = 500
/** Buckets grow by an eighth of a power of two: a percentile is at most 4.5 % off. */
const STEPS_PER_OCTAVE = 8

interface Bucket {
  count: number
  errorCount: number
  exemplar: Exemplar
}

interface Slot {
  /** Number of the minute since the epoch that it counts. */
  readonly turn: number
  count: number
  errorCount: number
  readonly buckets: Map<number, Bucket>
}

interface KnownEdge {
  readonly caller: Place
  readonly callee: Place
  readonly slots: (Slot | undefined)[]
}

/** Who called whom how often, how fast and with what success, over the last hour. In memory of bounded size: histograms of minutes. */
export class EdgeWindow {
  readonly #clock: Clock
  readonly #edges = new Map<string, KnownEdge>()
  #sinceMs = Number.POSITIVE_INFINITY
  #passedOver = 0

  constructor(clock: Clock = systemClock) {
    this.#clock = clock
  }

  /** Calls of edges beyond the limit, which are on no map. */
  get passedOver(): number {
    return this.#passedOver
  }

  record(call: ObservedCall): void {
    const now = this.#turn()
    // A sender whose clock is ahead counts now, or its calls would be missing until then.
    const turn = Math.min(now, Math.floor(call.endMs / SLOT_MS))
    if (turn <= now - SLOTS) return
    const edge = this.#edge(call)
    if (edge === undefined) {
      this.#passedOver++
      return
    }
    this.#sinceMs = Math.min(this.#sinceMs, call.endMs)
    const index = turn % SLOTS
    let slot = edge.slots[index]
    if (slot === undefined || slot.turn < turn) {
      slot = { turn, count: 0, errorCount: 0, buckets: new Map() }
      edge.slots[index] = slot
    } else if (slot.turn > turn) return
    slot.count++
    if (call.isError) slot.errorCount++
    const { traceId, spanId, durationMs, endMs, isError } = call
    const exemplar = { traceId, spanId, durationMs, endMs, isError }
    const number = bucketOf(durationMs, STEPS_PER_OCTAVE)
    const bucket = slot.buckets.get(number)
    if (bucket === undefined) slot.buckets.set(number, { count: 1, errorCount: Number(isError), exemplar })
    else {
      bucket.count++
      bucket.errorCount += Number(isError)
      bucket.exemplar = better(bucket.exemplar, exemplar)
    }
  }

  /** The busiest first. */
  edges(minutes: number): readonly Edge[] {
    const seconds = this.#seconds(minutes)
    const edges = [...this.#edges.values()].flatMap((edge): Edge[] => {
      const buckets = this.#buckets(edge, minutes)
      const count = sum(buckets, 'count')
      if (count === 0) return []
      return [
        {
          caller: edge.caller,
          callee: edge.callee,
          count,
          errorCount: sum(buckets, 'errorCount'),
          ratePerSecond: count / seconds,
          p50Ms: percentile(buckets, count, 0.5),
          p95Ms: percentile(buckets, count, 0.95),
          p99Ms: percentile(buckets, count, 0.99),
        },
      ]
    })
    return edges.toSorted((one, other) => other.count - one.count)
  }

  /** The latencies of one edge, the fastest first. */
  histogram(caller: string, callee: string, minutes: number): readonly HistogramBucket[] {
    const edge = this.#edges.get(`${caller}\n${callee}`)
    if (edge === undefined) return []
    return this.#buckets(edge, minutes).map(([number, { count, errorCount, exemplar }]) => {
      const [fromMs, toMs] = bucketBoundsMs(number, STEPS_PER_OCTAVE)
      return { fromMs, toMs, count, errorCount, exemplar }
    })
  }

  #edge({ caller, callee }: ObservedCall): KnownEdge | undefined {
    const key = `${caller}\n${callee}`
    const known = this.#edges.get(key)
    if (known !== undefined) return known
    if (this.#edges.size >= EDGES_MAX) this.#forgetOld()
    if (this.#edges.size >= EDGES_MAX) return undefined
    const edge = { caller, callee, slots: [] }
    this.#edges.set(key, edge)
    return edge
  }

  #forgetOld(): void {
    const oldest = this.#turn() - SLOTS
    for (const [key, { slots }] of this.#edges)
      if (slots.every((slot) => slot === undefined || slot.turn <= oldest)) this.#edges.delete(key)
  }

  #buckets({ slots }: KnownEdge, minutes: number): readonly (readonly [number: number, bucket: Bucket])[] {
    const oldest = this.#turn() - Math.min(SLOTS, minutes)
    const all = new Map<number, Bucket>()
    for (const slot of slots) {
      if (slot === undefined || slot.turn <= oldest) continue
      for (const [number, bucket] of slot.buckets) {
        const known = all.get(number)
        if (known === undefined) all.set(number, { ...bucket })
        else {
          known.count += bucket.count
          known.errorCount += bucket.errorCount
          known.exemplar = better(known.exemplar, bucket.exemplar)
        }
      }
    }
    return [...all].toSorted(([one], [other]) => one - other)
  }

  /** How long the window has been looked at: a console that has just started knows no hour. */
  #seconds(minutes: number): number {
    return Math.max(SLOT_MS, Math.min(minutes * SLOT_MS, this.#clock.now() - this.#sinceMs)) / 1_000
  }

  #turn(): number {
    return Math.floor(this.#clock.now() / SLOT_MS)
  }
}

function better(one: Exemplar, other: Exemplar): Exemplar {
  if (one.isError !== other.isError) return one.isError ? one : other
  return other.endMs >= one.endMs ? other : one
}

function sum(buckets: readonly (readonly [number, Bucket])[], what: 'count' | 'errorCount'): number {
  return buckets.reduce((total, [, bucket]) => total + bucket[what], 0)
}

/** The middle of the bucket in which the nearest rank lies. */
function percentile(buckets: readonly (readonly [number, Bucket])[], count: number, quantile: number): number {
  let seen = 0
  for (const [number, bucket] of buckets) {
    seen += bucket.count
    if (seen < Math.ceil(quantile * count)) continue
    const [fromMs, toMs] = bucketBoundsMs(number, STEPS_PER_OCTAVE)
    return Math.sqrt(Math.max(fromMs, 0.000_5) * toMs)
  }
  return 0
}
