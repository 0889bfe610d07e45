/** Nanoseconds since the epoch need 61 bits, more than a double has and a bigint takes long for: in two parts. */
export interface Moment {
  readonly seconds: number
  readonly nanos: number
}

/** Reads nanoseconds since the epoch, in digits. */
export function momentOf(nanosSinceEpoch: string): Moment {
  return { seconds: secondsOf(nanosSinceEpoch), nanos: numberIn(nanosSinceEpoch, nanosSinceEpoch.length - 9, nanosSinceEpoch.length) }
}

/** Nanoseconds from a second to a time: as {@link nanosSince}, without a moment for each of a hundred thousand times. */
export function nanosSinceSecond(second: number, nanosSinceEpoch: string): number {
  const { length } = nanosSinceEpoch
  return (secondsOf(nanosSinceEpoch) - second) * 1e9 + numberIn(nanosSinceEpoch, length - 9, length)
}

export function secondsOf(nanosSinceEpoch: string): number {
  return numberIn(nanosSinceEpoch, 0, nanosSinceEpoch.length - 9)
}

const ZERO = 48

/** The number that some digits are: no text is cut out for it. */
function numberIn(digits: string, from: number, to: number): number {
  let number = 0
  for (let at = Math.max(0, from); at < to; at++) number = number * 10 + digits.charCodeAt(at) - ZERO
  return number
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
