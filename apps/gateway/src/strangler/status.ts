import type { Clock } from 'seaworthy/core'
import type { UpstreamSnapshot } from '../upstream.ts'
import type { Accounts } from './accounts.ts'
import type { Counts } from './ledger.ts'
import type { MovingRoute } from './moving-route.ts'
import type { RuleMatch } from './rule.ts'
import type { Routing } from './routing.ts'
import type { SideFigures } from './side-window.ts'

/** How far a monolith has been taken apart, for people and pages. */
export interface GatewayStatus {
  readonly routes: readonly RouteStatus[]
  readonly upstreams: readonly UpstreamSnapshot[]
}

interface RouteStatus {
  readonly id: string
  readonly match: RuleMatch
  readonly from: string
  readonly to: string | undefined
  readonly sharePercent: number
  readonly tenants: readonly { readonly tenant: string; readonly sharePercent: number; readonly counts: Counts | undefined }[]
  /** Since the ledger began. */
  readonly counts: Counts | undefined
  /** Within the guard's window. */
  readonly lately: { readonly from: SideFigures; readonly to: SideFigures }
}

export function statusOf(routing: Routing, accounts: Accounts, clock: Clock): GatewayStatus {
  return {
    routes: [...routing.routes.values()].map((route) => routeStatus(route, accounts, clock.monotonicMs())),
    upstreams: routing.upstreams.map((upstream) => upstream.snapshot()),
  }
}

/** @param nowMs of the monotonic clock */
export function routeStatus({ id, declaration, state }: MovingRoute, accounts: Accounts, nowMs: number): RouteStatus {
  const { match, from, to } = declaration
  return {
    id,
    match,
    from,
    to,
    sharePercent: state.sharePercent,
    tenants: [...state.tenantShares].map(([tenant, sharePercent]) => ({ tenant, sharePercent, counts: accounts.countsOf(id, tenant) })),
    counts: accounts.countsOf(id, undefined),
    lately: { from: state.windows.from.figures(nowMs), to: state.windows.to.figures(nowMs) },
  }
}
