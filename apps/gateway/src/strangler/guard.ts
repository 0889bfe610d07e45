import type { SideFigures } from './side-window.ts'

/** When a route goes back by itself, as data. What is left out is as in {@link defaultGuard}. */
export interface GuardDeclaration {
  /** The time that is looked at, in milliseconds. */
  readonly windowMs?: number
  /** Fewer requests to the new side within the window decide nothing. */
  readonly requestsMin?: number
  /** The share of requests that may fail: 0.01 is one in a hundred. */
  readonly errorBudget?: number
  /** Goes back when the budget is used so many times as fast as it may be. */
  readonly burnRateMax?: number
  /** Goes back when the new side's 95th percentile is so many times the old side's … */
  readonly latencyFactorMax?: number
  /** … and so much above it, in milliseconds: twice of very little is very little. */
  readonly latencySlackMs?: number
}

export const defaultGuard: Required<GuardDeclaration> = {
  windowMs: 30_000,
  requestsMin: 50,
  errorBudget: 0.01,
  burnRateMax: 2,
  latencyFactorMax: 2,
  latencySlackMs: 25,
}

export interface Sides {
  readonly from: SideFigures
  readonly to: SideFigures
}

/** What the old side was like when it last had enough requests: at 100 % it has none. */
export type Baseline = Pick<SideFigures, 'requests' | 'errors' | 'p95Ms'>

/**
 * Says why the route is to go back, if it is. Errors count when they burn the budget and are clearly more than those of the old side: where both sides
 * fail alike (a database that both need), going back helps nobody.
 */
export function verdictOf({ from, to }: Sides, baseline: Baseline | undefined, guard: Required<GuardDeclaration>): string | undefined {
  const { requestsMin, errorBudget, burnRateMax, latencyFactorMax, latencySlackMs } = guard
  if (to.requests < requestsMin) return undefined
  const old = from.requests >= requestsMin ? from : baseline
  const errorRate = to.errors / to.requests
  const oldRate = old === undefined || old.requests === 0 ? 0 : old.errors / old.requests
  if (errorRate > burnRateMax * errorBudget && errorRate > oldRate + margin(oldRate, to.requests)) {
    return (
      `${percent(errorRate)} of ${to.requests} requests failed (${to.errors}), which is more than ${burnRateMax} times the budget of ` +
      `${percent(errorBudget)}; ${old === undefined ? 'the old side had no requests to compare' : `on the old side ${percent(oldRate)}`}`
    )
  }
  const [slow, usual] = [to.p95Ms, old?.p95Ms]
  if (slow !== undefined && usual !== undefined && slow > usual * latencyFactorMax && slow > usual + latencySlackMs) {
    return (
      `the 95th percentile of ${to.requests} requests is ${Math.round(slow)} ms, and on the old side ${Math.round(usual)} ms: more than ` +
      `${latencyFactorMax} times as much, and more than ${latencySlackMs} ms above it`
    )
  }
  return undefined
}

/** Two standard deviations of the rate that so many requests of the old side would show by chance. */
const margin = (rate: number, requests: number): number => 2 * Math.sqrt((rate * (1 - rate)) / requests)

const percent = (rate: number): string => `${Number((100 * rate).toFixed(2))} %`
