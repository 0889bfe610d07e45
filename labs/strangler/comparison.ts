import { systemClock } from 'seaworthy/core'
import { eventually } from '../eventually.ts'
import type { Comparisons, Gateway } from './gateway.ts'

/** What a comparison found, by field, and of how many answers. */
export interface Found {
  readonly fields: readonly string[]
  readonly compared: number
  readonly text: string
  /** Until it had found what there was to find. */
  readonly tookMs: number
}

type Seen = Omit<Found, 'tookMs'>

/**
 * Waits until the comparison of some routes has found what there is, and has then gone on for a while, so that false alarms would show.
 * @param comparedMin how many answers each of them has to have compared
 */
export async function compared(
  gateway: Gateway,
  routes: readonly string[],
  comparedMin: number,
  hasFound: (found: Seen) => boolean = () => true,
): Promise<Found> {
  const startedMs = systemClock.monotonicMs()
  const look = () => gateway.comparisons()
  await eventually('the comparison finds what there is', look, (each) => hasFound(foundIn(each, routes)))
  const tookMs = systemClock.monotonicMs() - startedMs
  const isEnough = (each: Comparisons) => routes.every((route) => foundIn(each, [route]).compared >= comparedMin)
  return { ...foundIn(await eventually('enough answers are compared', look, isEnough), routes), tookMs }
}

function foundIn({ routes: all, text }: Comparisons, routes: readonly string[]): Seen {
  const endpoints = routes.flatMap((route) => all[route]?.endpoints ?? [])
  const fields = endpoints.flatMap(({ differences, unanswered }) => [
    ...differences.map(({ field }) => field),
    ...unanswered.map(({ reason }) => `no answer: ${reason}`),
  ])
  const count = endpoints.reduce((sum, { verdicts }) => sum + verdicts.equal + verdicts.differs, 0)
  return { fields: [...new Set(fields)].toSorted(), compared: count, text }
}
