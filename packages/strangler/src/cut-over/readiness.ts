import type { CutOverLimits } from './limits.ts'
import type { Phase } from './ownership.ts'
import type { CopyProgress } from './side.ts'

/** Whether more requests may go to the new service, as its data goes. */
export type Readiness = { readonly ready: true } | { readonly ready: false; readonly reason: string }

export interface FeedStanding {
  readonly phase: Phase
  readonly copy: CopyProgress
  readonly verifiedAtMs: number
  readonly lag: { readonly changes: number; readonly ageMs: number }
  /** Keys that could not be brought over. */
  readonly parked: readonly { readonly key: string; readonly reason: string }[]
  /** Why the feed does not go on; undefined while it does. */
  readonly failure: string | undefined
}

type ReadinessLimits = Pick<CutOverLimits, 'readyChangesMax' | 'readyAgeMaxMs'>

/** Decides from what is known of the feed. */
export function readinessOf(standing: FeedStanding, limits: ReadinessLimits): Readiness {
  const reason = hindrance(standing, limits)
  return reason === undefined ? { ready: true } : { ready: false, reason }
}

function hindrance(standing: FeedStanding, limits: ReadinessLimits): string | undefined {
  const { phase, copy, lag, parked } = standing
  if (phase === 'new' || phase === 'retired') return undefined
  if (phase !== 'old') return `the data is on its way: '${phase}'`
  if (standing.failure !== undefined) return `the feed has stopped: ${standing.failure}`
  if (copy.stage !== 'done')
    return copy.stage === 'none' ? 'the copy has not begun' : `the copy is at key ${copy.after ?? 'one'} of its ${copy.stage}`
  if (parked.length > 0) return `key ${parked[0]!.key} cannot be brought over: ${parked[0]!.reason}`
  if (lag.changes > limits.readyChangesMax) return `${lag.changes} changes are missing, more than ${limits.readyChangesMax}`
  if (lag.ageMs > limits.readyAgeMaxMs) return `the feed is ${Math.round(lag.ageMs)} ms behind, more than ${limits.readyAgeMaxMs} ms`
  return standing.verifiedAtMs === 0 ? 'the copy has not been verified' : undefined
}
