/** Nanoseconds since the epoch need 61 bits, more than a double has and a bigint takes long for: in two parts. */
export interface Moment {
  readonly seconds: number
  readonly nanos: number
}

/** Reads nanoseconds since the epoch, in digits. */
export function momentOf(nanosSinceEpoch: string): Moment {
  const at = nanosSinceEpoch.length - 9
  return { seconds: Number(nanosSinceEpoch.slice(0, Math.max(0, at))), nanos: Number(nanosSinceEpoch.slice(Math.max(0, at))) }
}

/** Exact within a hundred days. */
export function nanosSince(origin: Moment, { seconds, nanos }: Moment): number {
  return (seconds - origin.seconds) * 1e9 + (nanos - origin.nanos)
}

export function isBefore(one: Moment, other: Moment): boolean {
  return one.seconds === other.seconds ? one.nanos < other.nanos : one.seconds < other.seconds
}

/** Milliseconds since the epoch, with the microseconds as a fraction. */
export function epochMs({ seconds, nanos }: Moment): number {
  return seconds * 1_000 + Math.floor(nanos / 1_000) / 1_000
}
