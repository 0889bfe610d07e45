/** What a gateway that takes a monolith apart tells of itself by its admin API: `GET /overview`. JSON-able throughout. Types alone. */
export interface GatewayOverview {
  readonly atMs: number
  readonly routes: readonly RouteOverview[]
  readonly traffic: TrafficHistory
  /** The newest decisions, the latest last. */
  readonly entries: readonly LedgerEntry[]
}

/** One route: how far it has moved, and what its sides, its answers and its data are like. */
export interface RouteOverview {
  readonly id: string
  readonly match: { readonly path: string; readonly methods?: readonly string[] }
  readonly from: string
  /** Absent while nothing moves. */
  readonly to?: string | undefined
  readonly sharePercent: number
  /** Those with a share of their own. */
  readonly tenants: readonly { readonly tenant: string; readonly sharePercent: number; readonly counts?: Counts | undefined }[]
  /** Since the ledger began. */
  readonly counts?: Counts | undefined
  /** Within the guard's window. */
  readonly lately: BySide<SideFigures>
  /** Null for a route that never goes back by itself. */
  readonly budget: ErrorBudget | null
  /** Null for a route whose answers are not compared. */
  readonly comparison: RouteComparison | null
  /** Null for a route that asks nobody for its data. */
  readonly data: DataStanding | null
}

export type BySide<T> = Readonly<Record<'from' | 'to', T>>

/** Requests of one route and tenant, by side. */
export interface Counts {
  readonly requests: BySide<number>
  readonly errors: BySide<number>
}

/** What one side of a route did lately. */
export interface SideFigures {
  readonly requests: number
  readonly errors: number
  /** Absent before the first answers. */
  readonly p95Ms?: number | undefined
}

/** How fast the new side uses up the failures that it may have. */
export interface ErrorBudget {
  /** The share of requests that may fail. */
  readonly errorBudget: number
  /** How many times as fast as it may be the budget is used; null before the first request. */
  readonly burnRate: number | null
  /** The route goes back at more. */
  readonly burnRateMax: number
  /** Fewer requests decide nothing. */
  readonly requestsMin: number
  readonly windowMs: number
}

/** What the comparison of both sides has found since it began to learn. */
export interface RouteComparison {
  readonly compared: number
  readonly differing: number
  /** Requests that the new side gave no answer to. */
  readonly unanswered: number
  /** Endpoints of which enough is known to compare, and those of which it is not yet. */
  readonly endpointsReady: number
  readonly endpointsLearning: number
  /** The fields that differ most often. */
  readonly fields: readonly DifferingField[]
}

export interface DifferingField {
  readonly endpoint: string
  readonly field: string
  readonly kind: string
  /** In how many answers. */
  readonly answers: number
  /** What holds of every value: `the monolith's + 1`. */
  readonly explanations: readonly string[]
}

/** - `unknown`: whoever has the data did not say;
 *  - `gate`: whoever has it says whether it is ready, and no more;
 *  - `cut-over`: it moves by a cut-over, which knows who owns it. */
export type DataStanding =
  | { readonly kind: 'unknown'; readonly why: string }
  | ({ readonly kind: 'gate' } & Readiness)
  | ({
      readonly kind: 'cut-over'
      readonly phase: string
      /** Counts changes of ownership. */
      readonly epoch: number
      readonly lag: { readonly changes: number; readonly ageMs: number }
      /** Keys that could not be brought over, keys whose writes are held after a rollback, and writes on the side that does not own the data; at most 100 of each. */
      readonly parked: number
      readonly held: number
      readonly strays: number
      /** Why the feed does not go on. */
      readonly failure?: string | undefined
    } & Readiness)

interface Readiness {
  readonly ready: boolean
  /** Why not. */
  readonly reason?: string | undefined
}

/** Requests by upstream over time: slots of one length, the oldest first; a slot without a request is left out. */
export interface TrafficHistory {
  readonly slotMs: number
  readonly slots: readonly { readonly fromMs: number; readonly requests: Readonly<Record<string, number>> }[]
}

/** One decision about a share: who, when, what and why. */
export interface LedgerEntry {
  readonly atMs: number
  /** - `shift`: moved on, or back, by somebody;
   *  - `rollback`: moved back at once, by somebody;
   *  - `automatic-rollback`: moved back by the gateway itself;
   *  - `refused`: not moved, because the data was not ready or something had come between. */
  readonly kind: 'shift' | 'rollback' | 'automatic-rollback' | 'refused'
  readonly route: string
  /** The upstream that it moves away from; older entries do not say. */
  readonly from?: string
  /** The upstream that the share is of: a route that moves to another one later begins anew. */
  readonly to: string
  /** Absent for all that have no share of their own. */
  readonly tenant?: string
  readonly fromPercent: number
  readonly toPercent: number
  readonly who: string
  readonly why: string
  /** What was known when it was decided; absent where nothing was in time. */
  readonly evidence?: Evidence
  /** Of a rollback: the keys that the old side did not have back yet, and the first of them. Their writes wait. */
  readonly held?: { readonly count: number; readonly keys: readonly string[] }
}

export interface Evidence {
  readonly lately: BySide<SideFigures>
  readonly comparison?: Pick<RouteComparison, 'compared' | 'differing' | 'unanswered'>
  readonly data?: { readonly epoch: number; readonly lag: { readonly changes: number; readonly ageMs: number } }
}

/** `POST /shift`. */
export interface ShiftRequest {
  readonly route: string
  readonly tenant?: string
  readonly percent: number
  readonly who: string
  readonly why: string
}

/** `POST /rollback`. */
export type RollbackRequest = Omit<ShiftRequest, 'percent'>
