import { type Clock, systemClock } from 'seaworthy/core'

/**
 * Time of day with the resolution of the monotonic clock. `Date.now()` counts whole milliseconds, so that a span of 0.3 ms
 * would seem to end before it began, or after its parent. The offset between the two clocks is corrected whenever the result
 * leaves the millisecond that the wall clock shows: an adjustment of the system's time is followed at once.
 */
export function wallClock(clock: Clock = systemClock): () => number {
  let offsetMs = clock.now() - clock.monotonicMs()
  return () => {
    const monotonicMs = clock.monotonicMs()
    const wholeMs = clock.now()
    const preciseMs = monotonicMs + offsetMs
    if (preciseMs < wholeMs) offsetMs = wholeMs - monotonicMs
    else if (preciseMs >= wholeMs + 1) offsetMs = wholeMs + 0.999 - monotonicMs
    return monotonicMs + offsetMs
  }
}
