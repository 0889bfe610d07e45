/** Whether the data of a route is where a larger share of its requests would look for it. */
export type Readiness = { readonly ready: true } | { readonly ready: false; readonly reason: string }

/** What a route's share is about to become. */
export interface ShiftQuestion {
  /** Id of the route. */
  readonly route: string
  /** The tenant whose share alone is shifted; absent for all. */
  readonly tenant?: string
  readonly fromPercent: number
  readonly toPercent: number
}

/**
 * Asked before each shift that moves requests on to the new service, never before a rollback. A shift is refused with the reason of a gate that is not
 * ready, and when the gate gives no answer: a route whose data may be elsewhere stays where it is.
 */
export interface ReadinessGate {
  /** Ends with the signal. */
  readiness(question: ShiftQuestion, signal: AbortSignal): Promise<Readiness>
}
