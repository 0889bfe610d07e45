import { type Clock, systemClock } from 'seaworthy/core'
import { BUCKETS, bucketOf, percentile } from './latency-buckets.ts'

/** Figures of one service over the window. */
export interface ServiceFigures {
  readonly windowMs: number
  readonly count: number
  readonly ratePerSecond: number
  readonly errorCount: number
  /** Null without a span. */
  readonly p50Ms: number | null
  readonly p99Ms: number | null
}

const SLOT_MS = 10_000
const SLOTS = 30
/** The window: five minutes in slots of ten seconds. */
export const WINDOW_MS = SLOT_MS * SLOTS

const SERVICES_MAX = 200

interface Slot {
  /** Number of the ten seconds since the epoch that it counts. */
  turn: number
  count: number
  errors: number
  readonly buckets: Uint32Array
}

/** Latency and errors per service over the last five minutes, in memory of constant size: a histogram for each slot of time. */
export class LatencyWindow {
  readonly #clock: Clock
  readonly #services = new Map<string, Slot[]>()

  constructor(clock: Clock = systemClock) {
    this.#clock = clock
  }

  /** Counts a span by its end; one that ended before the window, or in a service too many, is passed over. */
  record(service: string, span: { readonly endMs: number; readonly durationMs: number; readonly isError: boolean }): void {
    const now = Math.floor(this.#clock.now() / SLOT_MS)
    // A sender whose clock is ahead counts now, or its spans would be missing until then.
    const turn = Math.min(now, Math.floor(span.endMs / SLOT_MS))
    if (turn <= now - SLOTS) return
    let slots = this.#services.get(service)
    if (slots === undefined) {
      if (this.#services.size >= SERVICES_MAX) return
      slots = []
      this.#services.set(service, slots)
    }
    const slot = (slots[turn % SLOTS] ??= { turn, count: 0, errors: 0, buckets: new Uint32Array(BUCKETS) })
    if (slot.turn > turn) return
    if (slot.turn < turn) {
      slot.turn = turn
      slot.count = 0
      slot.errors = 0
      slot.buckets.fill(0)
    }
    slot.count++
    if (span.isError) slot.errors++
    const bucket = bucketOf(span.durationMs)
    slot.buckets[bucket] = slot.buckets[bucket]! + 1
  }

  services(): readonly string[] {
    return [...this.#services.keys()]
  }

  figures(service: string): ServiceFigures {
    const oldest = Math.floor(this.#clock.now() / SLOT_MS) - SLOTS
    const buckets = new Uint32Array(BUCKETS)
    let count = 0
    let errorCount = 0
    for (const slot of this.#services.get(service) ?? []) {
      if (slot === undefined || slot.turn <= oldest) continue
      count += slot.count
      errorCount += slot.errors
      for (let index = 0; index < BUCKETS; index++) buckets[index] = buckets[index]! + slot.buckets[index]!
    }
    return {
      windowMs: WINDOW_MS,
      count,
      ratePerSecond: count / (WINDOW_MS / 1_000),
      errorCount,
      p50Ms: percentile(buckets, count, 0.5),
      p99Ms: percentile(buckets, count, 0.99),
    }
  }
}
