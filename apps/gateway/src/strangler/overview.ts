import { comparedOf, type ShadowingReport } from '@seaworthy/strangler/compare'
import type {
  DataStanding,
  ErrorBudget,
  Evidence,
  GatewayOverview,
  RouteComparison,
  RouteOverview,
  SideFigures as ShownFigures,
} from '@seaworthy/supervisor/gateway-admin'
import type { Clock } from 'seaworthy/core'
import type { ReadinessGate } from '../readiness-gate.ts'
import type { Accounts } from './accounts.ts'
import { DataStandings } from './data-standing.ts'
import { limited } from './http-readiness.ts'
import type { Ledger } from './ledger.ts'
import type { MovingRoute, RouteState } from './moving-route.ts'
import type { SideFigures } from './side-window.ts'
import { routeStatus } from './status.ts'

export interface OverviewSources {
  readonly routes: () => Iterable<MovingRoute>
  readonly ledger: Ledger
  readonly accounts: Accounts
  readonly gateOf: (route: MovingRoute) => ReadinessGate | undefined
  /** What the comparison of shadowed routes found, by route. Without it nothing is compared. */
  readonly comparisons?: ((signal: AbortSignal) => Promise<Readonly<Record<string, ShadowingReport>>>) | undefined
  readonly dataToken: string
  readonly clock: Clock
}

/** Nobody waits longer for those who know of answers and data: what they do not say in time is left out. */
const SOURCES_TIMEOUT_MS = 1_000
/** A shift waits for its evidence. */
const EVIDENCE_TIMEOUT_MS = 500
const ENTRIES_MAX = 200
const FIELDS_MAX = 10

/** Puts together what is known of a gateway's routes: for people and pages, and for the ledger. */
export class Overview {
  readonly #sources: OverviewSources

  constructor(sources: OverviewSources) {
    this.#sources = sources
  }

  all(): Promise<GatewayOverview> {
    const { routes, ledger, clock, gateOf } = this.#sources
    return this.#within(SOURCES_TIMEOUT_MS, async (signal) => {
      const [comparisons, standings] = [this.#comparisons(signal), new DataStandings(this.#sources.dataToken, signal)]
      return {
        atMs: clock.now(),
        routes: await Promise.all(Array.from(routes(), (route) => this.#route(route, comparisons, (of) => standings.of(of, gateOf(of))))),
        traffic: ledger.traffic.history(),
        entries: ledger.entries.slice(-ENTRIES_MAX),
      }
    })
  }

  /** What is known of a route when its share is decided about. */
  evidenceOf(route: MovingRoute): Promise<Evidence> {
    return this.#within(EVIDENCE_TIMEOUT_MS, async (signal) => {
      const standings = new DataStandings(this.#sources.dataToken, signal)
      const { lately, comparison, data } = await this.#route(route, this.#comparisons(signal), (of) =>
        // A gate is asked whether it is ready for this very shift, and no more.
        standings.of(of, undefined),
      )
      return {
        lately,
        ...(comparison !== null && { comparison: countsOf(comparison) }),
        ...(data?.kind === 'cut-over' && { data: { epoch: data.epoch, lag: data.lag } }),
      }
    })
  }

  async #route(
    route: MovingRoute,
    comparisons: Promise<Readonly<Record<string, ShadowingReport>>>,
    standingOf: (route: MovingRoute) => Promise<DataStanding | null>,
  ): Promise<RouteOverview> {
    const { accounts, clock } = this.#sources
    const { match, lately, ...status } = routeStatus(route, accounts, clock.monotonicMs())
    const { path, methods } = match
    const isMoving = route.declaration.to !== undefined
    const report = (await comparisons)[route.id]
    return {
      ...status,
      match: { path, ...(methods !== undefined && { methods }) },
      lately: { from: shownFigures(lately.from), to: shownFigures(lately.to) },
      budget: isMoving ? budgetOf(route.state, lately.to) : null,
      comparison: report === undefined ? null : comparisonOf(report),
      data: isMoving ? await standingOf(route) : null,
    }
  }

  async #comparisons(signal: AbortSignal): Promise<Readonly<Record<string, ShadowingReport>>> {
    // The thread that compares may be busy, or be starting anew.
    return (await this.#sources.comparisons?.(signal).catch(() => ({}))) ?? {}
  }

  async #within<T>(timeoutMs: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const limit = limited(timeoutMs, this.#sources.clock)
    try {
      return await work(limit.signal)
    } finally {
      limit.done()
    }
  }
}

/** A percentile above all classes has no number in JSON. */
function shownFigures({ requests, errors, p95Ms }: SideFigures): ShownFigures {
  return { requests, errors, ...(p95Ms !== undefined && Number.isFinite(p95Ms) && { p95Ms }) }
}

function budgetOf({ guard }: RouteState, { requests, errors }: SideFigures): ErrorBudget | null {
  if (guard === undefined) return null
  const { errorBudget, burnRateMax, requestsMin, windowMs } = guard
  return { errorBudget, burnRateMax, requestsMin, windowMs, burnRate: requests === 0 ? null : errors / requests / errorBudget }
}

/** What a comparison has found, without its examples. */
function comparisonOf({ endpoints }: Pick<ShadowingReport, 'endpoints'>): RouteComparison {
  let [compared, differing, unanswered, endpointsReady] = [0, 0, 0, 0]
  for (const endpoint of endpoints) {
    compared += comparedOf(endpoint)
    differing += endpoint.verdicts.differs
    unanswered += endpoint.verdicts.unanswered
    if (endpoint.isReady) endpointsReady++
  }
  const fields = endpoints
    .flatMap(({ endpoint, differences }) =>
      differences.map(({ field, kind, answers, explanations }) => ({ endpoint, field, kind, answers, explanations })),
    )
    .toSorted((one, other) => other.answers - one.answers)
    .slice(0, FIELDS_MAX)
  return { compared, differing, unanswered, endpointsReady, endpointsLearning: endpoints.length - endpointsReady, fields }
}

function countsOf({ compared, differing, unanswered }: RouteComparison): NonNullable<Evidence['comparison']> {
  return { compared, differing, unanswered }
}
