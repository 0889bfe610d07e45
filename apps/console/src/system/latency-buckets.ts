// Buckets grow by a sixteenth of a power of two from a microsecond on, so that a percentile is at most 4.5 % off.
const STEPS_PER_OCTAVE = 16
const OCTAVES = 32
/** From a microsecond to an hour and more. */
export const BUCKETS = OCTAVES * STEPS_PER_OCTAVE

/** The bucket of a duration; `steps` of them make a power of two. */
export function bucketOf(durationMs: number, steps = STEPS_PER_OCTAVE): number {
  const microseconds = durationMs * 1_000
  if (microseconds <= 1) return 0
  return Math.min(OCTAVES * steps - 1, Math.floor(Math.log2(microseconds) * steps))
}

/** Where a bucket begins and ends. The first holds all that is shorter, too. */
export function bucketBoundsMs(bucket: number, steps = STEPS_PER_OCTAVE): readonly [fromMs: number, toMs: number] {
  return [bucket === 0 ? 0 : 2 ** (bucket / steps) / 1_000, 2 ** ((bucket + 1) / steps) / 1_000]
}

/** The middle of the bucket in which the nearest rank lies, in milliseconds; null where nothing was counted. */
export function percentile(buckets: Uint32Array, count: number, quantile: number): number | null {
  if (count === 0) return null
  const rank = Math.ceil(quantile * count)
  let seen = 0
  for (let index = 0; index < BUCKETS; index++) {
    seen += buckets[index]!
    if (seen >= rank) return 2 ** ((index + 0.5) / STEPS_PER_OCTAVE) / 1_000
  }
  return null
}
