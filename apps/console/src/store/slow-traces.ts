import { BUCKETS, bucketOf } from '../system/latency-buckets.ts'

/** The share of the slowest that is called slow. */
const SLOWEST = 0.05
/** Fewer of a kind say nothing about what is usual. */
const KNOWN_MIN = 20
/** Then everything counts half: what is usual today is not what was usual last week. */
const KNOWN_MAX = 4_096
const KINDS_MAX = 1_000

interface Known {
  count: number
  readonly buckets: Uint32Array
}

/** Tells traces that took longer than nearly all others of their kind. In memory of constant size: a histogram for each kind. */
export class SlowTraces {
  readonly #kinds = new Map<string, Known>()

  /** Learns how long a trace took, and says whether that is among the slowest twentieth of its kind. */
  judge(kind: string, durationMs: number): boolean {
    const known = this.#known(kind)
    const bucket = bucketOf(durationMs)
    known.count++
    known.buckets[bucket] = known.buckets[bucket]! + 1
    if (known.count < KNOWN_MIN) return false
    let asSlow = 0
    for (let index = bucket; index < BUCKETS; index++) asSlow += known.buckets[index]!
    const isSlow = asSlow <= known.count * SLOWEST
    if (known.count >= KNOWN_MAX) halve(known)
    return isSlow
  }

  #known(kind: string): Known {
    const known = this.#kinds.get(kind) ?? { count: 0, buckets: new Uint32Array(BUCKETS) }
    // A map keeps the order of insertion: the first is the one that was not seen for the longest.
    this.#kinds.delete(kind)
    this.#kinds.set(kind, known)
    if (this.#kinds.size > KINDS_MAX) this.#kinds.delete(this.#kinds.keys().next().value!)
    return known
  }
}

function halve(known: Known): void {
  known.count = 0
  for (let index = 0; index < BUCKETS; index++) {
    known.buckets[index] = known.buckets[index]! >>> 1
    known.count += known.buckets[index]!
  }
}
