/** From a moment to another one, in whole microseconds. */
export interface Interval {
  readonly startUs: number
  readonly endUs: number
}

export function lengthOf(intervals: readonly Interval[]): number {
  let us = 0
  for (const { startUs, endUs } of intervals) us += endUs - startUs
  return us
}

/** What of `intervals` lies outside of `taken`. Both in the order of time and without overlap, and so is the result. */
export function without(intervals: readonly Interval[], taken: readonly Interval[]): readonly Interval[] {
  if (taken.length === 0) return intervals
  const rest: Interval[] = []
  let next = 0
  for (const { startUs, endUs } of intervals) {
    let reachedUs = startUs
    while (next < taken.length && taken[next]!.endUs <= startUs) next++
    for (let index = next; index < taken.length && taken[index]!.startUs < endUs; index++) {
      const hole = taken[index]!
      if (hole.startUs > reachedUs) rest.push({ startUs: reachedUs, endUs: hole.startUs })
      reachedUs = Math.max(reachedUs, hole.endUs)
    }
    if (reachedUs < endUs) rest.push({ startUs: reachedUs, endUs })
  }
  return rest
}
