import type { BySide, Counts, DataStanding, ErrorBudget, RouteComparison, RouteOverview } from '@seaworthy/supervisor/gateway-admin'
import { formatDuration, formatShare, plural } from '../../view-model/format.ts'
import type { Condition } from '../../view-model/messages.ts'

/** A route that moves, as the table shows it. */
export interface RouteRow {
  readonly route: MovingRoute
  /** What it is about, in one line. */
  readonly match: string
  readonly requests: BySide<number>
  readonly failed: BySide<string>
  readonly differences: Condition
  readonly budget: Condition
  readonly data: Condition
}

export type MovingRoute = RouteOverview & { readonly to: string }

/** Routes that move, those that need somebody first; and how many others there are. */
export function routeRows(routes: readonly RouteOverview[]): {
  readonly rows: readonly RouteRow[]
  readonly still: readonly RouteOverview[]
} {
  const moving = routes.filter((route): route is MovingRoute => route.to !== undefined)
  const rows = moving.map((route): RouteRow => {
    const { match, counts, tenants } = route
    const all = [counts, ...tenants.map((tenant) => tenant.counts)].filter((each) => each !== undefined)
    const requests = { from: total(all, 'requests', 'from'), to: total(all, 'requests', 'to') }
    return {
      route,
      match: matchText(match),
      requests,
      failed: {
        from: formatShare(total(all, 'errors', 'from'), requests.from),
        to: formatShare(total(all, 'errors', 'to'), requests.to),
      },
      differences: differencesOf(route.comparison),
      budget: budgetOf(route.budget),
      data: dataOf(route.data),
    }
  })
  return { rows: rows.toSorted((one, other) => urgency(other) - urgency(one)), still: routes.filter(({ to }) => to === undefined) }
}

export function matchText({ path, methods }: RouteOverview['match']): string {
  return methods === undefined ? path : `${methods.join(', ')} ${path}`
}

function total(counts: readonly Counts[], what: 'requests' | 'errors', side: 'from' | 'to'): number {
  return counts.reduce((sum, each) => sum + each[what][side], 0)
}

const URGENCY: Readonly<Record<Condition['tone'], number>> = { error: 2, warn: 1, ok: 0, quiet: 0 }

function urgency({ differences, budget, data }: RouteRow): number {
  return Math.max(...[differences, budget, data].map(({ tone }) => URGENCY[tone]))
}

/** A difference rate from which on a new side is not just now and then otherwise. */
const DIFFERING_MUCH = 0.01

export function differencesOf(comparison: RouteComparison | null): Condition {
  if (comparison === null) return { tone: 'quiet', text: 'not compared', title: 'The route has no "shadow" in the gateway’s file' }
  const { compared, differing, unanswered, endpointsReady, endpointsLearning } = comparison
  if (endpointsReady === 0 && compared === 0)
    return {
      tone: 'quiet',
      text: 'learning',
      title: `What differs by nature is being learned, at ${plural(endpointsLearning, 'endpoint')}`,
    }
  const silent = unanswered === 0 ? '' : `; ${plural(unanswered, 'request')} without an answer`
  const title = `${differing.toLocaleString('en')} of ${compared.toLocaleString('en')} answers differ${silent}`
  if (differing === 0 && unanswered === 0) return { tone: 'ok', text: 'none', title }
  return { tone: differing + unanswered > compared * DIFFERING_MUCH ? 'error' : 'warn', text: formatShare(differing, compared), title }
}

export function budgetOf(budget: ErrorBudget | null): Condition {
  if (budget === null) return { tone: 'quiet', text: 'off', title: 'The route never goes back by itself: its guard is switched off' }
  const { burnRate, burnRateMax, errorBudget, windowMs } = budget
  const window = formatDuration(windowMs * 1_000)
  if (burnRate === null) return { tone: 'quiet', text: 'no requests', title: `The new side had no requests within ${window}` }
  const title = `Within ${window} failures came ${burnRate.toFixed(2)} times as fast as a budget of ${formatShare(errorBudget, 1)} allows; at more than ${burnRateMax} times the route goes back by itself`
  const tone = burnRate > burnRateMax ? 'error' : burnRate > 1 ? 'warn' : 'ok'
  return { tone, text: `${burnRate.toFixed(1)} ×`, title }
}

export function dataOf(data: DataStanding | null): Condition {
  if (data === null) return { tone: 'quiet', text: 'none asked', title: 'The route asks nobody for its data' }
  switch (data.kind) {
    case 'unknown':
      return { tone: 'warn', text: 'not known', title: data.why }
    case 'gate':
      return data.ready
        ? { tone: 'ok', text: 'ready', title: 'Whoever has the data says that it is ready' }
        : { tone: 'warn', text: 'not ready', title: data.reason ?? '' }
    case 'cut-over':
      return cutOverOf(data)
  }
}

function cutOverOf(data: Extract<DataStanding, { kind: 'cut-over' }>): Condition {
  const { phase, epoch, lag, parked, held, strays, failure, ready, reason } = data
  const where = `${PHASES[phase] ?? phase}, epoch ${epoch}`
  if (failure !== undefined) return { tone: 'error', text: 'feed stopped', title: `${where}: ${failure}` }
  if (strays > 0)
    return { tone: 'error', text: plural(strays, 'stray write'), title: `${where}. Somebody writes on the side that does not own the data` }
  if (parked > 0) return { tone: 'error', text: `${plural(parked, 'key')} parked`, title: `${where}. They could not be brought over` }
  if (held > 0)
    return { tone: 'warn', text: `${plural(held, 'key')} held`, title: `${where}. Their writes wait until the old side has them` }
  const behind = `${plural(lag.changes, 'change')}, ${formatDuration(lag.ageMs * 1_000)} behind`
  if (!ready) return { tone: 'warn', text: 'not ready', title: `${where}, ${behind}: ${reason ?? ''}` }
  return { tone: 'ok', text: lag.changes === 0 ? 'in step' : formatDuration(lag.ageMs * 1_000), title: `${where}, ${behind}` }
}

/** What the phases of a cut-over mean, for people. */
export const PHASES: Readonly<Record<string, string>> = {
  old: 'The old side owns the data',
  switching: 'The data is being handed over',
  new: 'The new side owns the data',
  'switching-back': 'The data is being handed back',
  returning: 'The old side owns the data again, and catches up',
  retired: 'The new side owns the data for good',
}
