/** What may be kept. */
export interface RetentionLimits {
  readonly tracesMax: number
  /** Bytes of the file that are in use. */
  readonly bytesMax: number
  /** How long an ordinary trace is kept after its last span came. */
  readonly ageMaxMs: number
  /** The same for one that was slow or failed. */
  readonly keptAgeMaxMs: number
}

/** What is stored. Kept: slow or failed, and found so when its turn to go had come. */
export interface Stock {
  readonly traces: number
  readonly spans: number
  readonly keptTraces: number
  /** Of spans, as they were written. */
  readonly bytes: number
  readonly keptBytes: number
  /** Of the file, what is in use: indexes and all. */
  readonly usedBytes: number
}

/** Whose turn it is to go: the oldest of a class, and why. */
export interface Turn {
  readonly isKept: boolean
  readonly why: 'size' | 'age'
  /** Only those that have not grown since, in milliseconds since the epoch. */
  readonly untouchedSinceMs: number
  /** So many at most, and so many spans: no more than has to go. */
  readonly tracesMax: number
  readonly spansMax: number
}

/** Of the room, what slow and failed traces may take from the ordinary ones: an outage must not push out all that shows what is usual. */
const KEPT_SHARE_MAX = 0.5

const ALL = { tracesMax: Number.POSITIVE_INFINITY, spansMax: Number.POSITIVE_INFINITY }

export function isFull({ traces, usedBytes }: Stock, { tracesMax, bytesMax }: RetentionLimits): boolean {
  return traces > tracesMax || usedBytes > bytesMax
}

/**
 * Whose turn it is, the first that has somebody to go. Where room is wanting, the oldest ordinary traces go first, then the oldest of
 * the slow and failed; those begin as soon as they have more than half of the room. Age counts when there is room.
 */
export function turns(stock: Stock, limits: RetentionLimits, nowMs: number): readonly Turn[] {
  if (!isFull(stock, limits)) {
    return [
      { isKept: false, why: 'age', untouchedSinceMs: nowMs - limits.ageMaxMs, ...ALL },
      { isKept: true, why: 'age', untouchedSinceMs: nowMs - limits.keptAgeMaxMs, ...ALL },
    ]
  }
  const surplus = stock.usedBytes - limits.bytesMax
  const room =
    surplus > 0
      ? { tracesMax: Number.POSITIVE_INFINITY, spansMax: Math.ceil((stock.spans * surplus) / stock.usedBytes) }
      : { tracesMax: stock.traces - limits.tracesMax, spansMax: Number.POSITIVE_INFINITY }
  const turn = { why: 'size', untouchedSinceMs: Number.MAX_SAFE_INTEGER, ...room } as const
  const [ordinary, kept] = [
    { ...turn, isKept: false },
    { ...turn, isKept: true },
  ]
  return keptShare(stock, limits) > KEPT_SHARE_MAX ? [kept, ordinary] : [ordinary, kept]
}

/** Of what there is room for, in traces or in bytes, whichever is more. */
function keptShare({ keptTraces, keptBytes, bytes, usedBytes }: Stock, { tracesMax, bytesMax }: RetentionLimits): number {
  const ofBytes = bytes === 0 ? 0 : (keptBytes / bytes) * (usedBytes / bytesMax)
  return Math.max(keptTraces / tracesMax, ofBytes)
}
