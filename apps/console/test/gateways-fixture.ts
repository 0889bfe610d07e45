import type {
  Counts,
  GatewayOverview,
  LedgerEntry,
  RollbackRequest,
  RouteOverview,
  ShiftRequest,
} from '@seaworthy/supervisor/gateway-admin'
import { ConflictError, NotFoundError } from 'seaworthy/core'
import type { Gateways, ShownGateway } from '../src/system/gateways.ts'

const HOUR_MS = 3_600_000
export const LONG_ROUTE = `orders-of-a-customer-${'with-a-name-that-somebody-made-of-far-too-many-words-'.repeat(2)}by-month`
export const LONG_REASON =
  'the data is not ready: 12,431 changes are missing, more than 1,000, because the feed stood still while the database was moved to another machine'

const counts = (from: number, to: number, errors: { readonly from?: number; readonly to?: number } = {}): Counts => ({
  requests: { from, to },
  errors: { from: errors.from ?? 0, to: errors.to ?? 0 },
})

function route(id: string, path: string, more: Partial<RouteOverview> = {}): RouteOverview {
  return {
    id,
    match: { path },
    from: 'monolith',
    sharePercent: 0,
    tenants: [],
    lately: { from: { requests: 0, errors: 0 }, to: { requests: 0, errors: 0 } },
    budget: null,
    comparison: null,
    data: null,
    ...more,
  }
}

const budget = (burnRate: number | null) => ({ errorBudget: 0.01, burnRate, burnRateMax: 2, requestsMin: 50, windowMs: 30_000 })

function entry(nowMs: number, hoursAgo: number, more: Partial<LedgerEntry>): LedgerEntry {
  return {
    atMs: nowMs - hoursAgo * HOUR_MS,
    kind: 'shift',
    route: 'reviews',
    from: 'monolith',
    to: 'reviews',
    fromPercent: 0,
    toPercent: 0,
    who: 'ada',
    why: 'a test',
    ...more,
  }
}

/** A monolith that is half taken apart: one service is out, one is moving, one is compared and one waits for its data. */
export function halfWay(nowMs: number = Date.now()): ShownGateway {
  const routes = [
    route('list-products', '/api/products', { from: 'catalog', counts: counts(84_210, 0) }),
    route('reviews', '/api/products/:id/reviews', {
      match: { path: '/api/products/:id/reviews', methods: ['GET', 'HEAD'] },
      to: 'reviews',
      sharePercent: 50,
      counts: counts(18_204, 9_377, { from: 11, to: 4 }),
      lately: { from: { requests: 412, errors: 0, p95Ms: 18.2 }, to: { requests: 398, errors: 2, p95Ms: 12.4 } },
      tenants: [
        { tenant: 'acme', sharePercent: 100, counts: counts(0, 1_204, { to: 1 }) },
        { tenant: 'umbrella', sharePercent: 0, counts: counts(840, 0) },
      ],
      budget: budget(0.5),
      comparison: { compared: 4_120, differing: 0, unanswered: 0, endpointsReady: 2, endpointsLearning: 1, fields: [] },
      data: { kind: 'cut-over', phase: 'old', epoch: 3, lag: { changes: 4, ageMs: 120 }, parked: 0, held: 0, strays: 0, ready: true },
    }),
    route('customers', '/api/customers/:id', {
      to: 'customers',
      counts: counts(30_112, 0, { from: 3 }),
      lately: { from: { requests: 730, errors: 0, p95Ms: 9.1 }, to: { requests: 0, errors: 0 } },
      budget: budget(null),
      comparison: {
        compared: 2_210,
        differing: 67,
        unanswered: 3,
        endpointsReady: 1,
        endpointsLearning: 0,
        fields: [
          {
            endpoint: 'GET /api/customers/:id',
            field: 'body.balanceCents',
            kind: 'value',
            answers: 61,
            explanations: ['the monolith’s + 1'],
          },
          { endpoint: 'GET /api/customers/:id', field: 'body.addresses[].zip', kind: 'missing', answers: 6, explanations: [] },
        ],
      },
      data: { kind: 'gate', ready: false, reason: LONG_REASON },
    }),
    route(LONG_ROUTE, `/api/customers/:customerId/orders/${'by-month/'.repeat(9)}:month`, {
      to: 'order-history',
      sharePercent: 100,
      counts: counts(120, 40_911, { to: 902 }),
      lately: { from: { requests: 0, errors: 0 }, to: { requests: 811, errors: 20, p95Ms: 61 } },
      budget: budget(2.47),
      data: {
        kind: 'cut-over',
        phase: 'new',
        epoch: 6,
        lag: { changes: 0, ageMs: 0 },
        parked: 0,
        held: 0,
        strays: 2,
        ready: true,
      },
    }),
    ...['checkout', 'basket', 'search'].map((id) => route(id, `/api/${id}`, { counts: counts(4_400, 0) })),
  ]
  const slotMs = 1_280_000
  const firstMs = Math.floor((nowMs - 60 * slotMs) / slotMs) * slotMs
  const slots = Array.from({ length: 61 }, (_, index) => {
    const of = (start: number, end: number) => Math.max(0, Math.min(1, (index - start) / (end - start)))
    const [catalog, history, reviews] = [of(8, 14) * 340, of(24, 40) * 180, of(44, 60) * 70]
    const all = 900 + 200 * Math.sin(index / 5)
    const requests: Record<string, number> = { monolith: Math.round(all - catalog - history - reviews) }
    for (const [name, count] of Object.entries({ catalog, 'order-history': history, reviews }))
      if (count > 0) requests[name] = Math.round(count)
    return { fromMs: firstMs + index * slotMs, requests }
  }).filter((_, index) => index < 30 || index > 32)
  const overview: GatewayOverview = {
    atMs: nowMs,
    routes,
    traffic: { slotMs, slots },
    entries: [
      entry(nowMs, 18, { route: 'list-products', to: 'catalog', toPercent: 100, why: 'compared for a week, nothing differs' }),
      entry(nowMs, 12, { route: LONG_ROUTE, to: 'order-history', toPercent: 50, who: 'grace', why: 'first half' }),
      entry(nowMs, 11, {
        kind: 'automatic-rollback',
        route: LONG_ROUTE,
        to: 'order-history',
        fromPercent: 50,
        who: 'gateway',
        why: '3.1 % of 811 requests failed (25), which is more than 2 times the budget of 1 %; on the old side 0 %',
      }),
      entry(nowMs, 9, { route: LONG_ROUTE, to: 'order-history', toPercent: 100, who: 'grace', why: 'the index is there now' }),
      entry(nowMs, 5, { toPercent: 1, why: 'first users' }),
      entry(nowMs, 4, { fromPercent: 1, toPercent: 10 }),
      entry(nowMs, 3.5, { tenant: 'acme', fromPercent: 10, toPercent: 100, why: 'they asked for it' }),
      entry(nowMs, 3, { kind: 'refused', route: 'customers', to: 'customers', toPercent: 10, why: `first users; refused: ${LONG_REASON}` }),
      entry(nowMs, 1, {
        fromPercent: 10,
        toPercent: 50,
        why: 'nothing differs',
        evidence: {
          lately: { from: { requests: 700, errors: 1, p95Ms: 18 }, to: { requests: 81, errors: 0, p95Ms: 12 } },
          comparison: { compared: 3_900, differing: 0, unanswered: 0 },
          data: { epoch: 3, lag: { changes: 2, ageMs: 40 } },
        },
      }),
    ],
  }
  return { name: 'gateway', overview, problem: null }
}

/** Gateways that do what they are told, and say what that was. */
export function fakeGateways(initial: readonly ShownGateway[]): {
  readonly gateways: Gateways
  readonly changes: readonly (readonly [gateway: string, change: object])[]
} {
  let shown = initial
  const changes: (readonly [string, object])[] = []
  const change = (gateway: string, request: Omit<RollbackRequest, 'who'> & { readonly percent: number }, kind: 'shift' | 'rollback') => {
    const { route: id, percent: toPercent, why, tenant } = request
    const overview = shown.find(({ name }) => name === gateway)?.overview
    const found = overview?.routes.find((each) => each.id === id)
    if (overview == null || found === undefined) throw new NotFoundError(`There is no route ${id}.`)
    if (toPercent > found.sharePercent && found.data?.kind === 'gate' && !found.data.ready)
      throw new ConflictError(`Route ${id} stays at ${found.sharePercent} %: ${found.data.reason}.`)
    const made = entry(Date.now(), 0, {
      kind,
      route: id,
      to: found.to ?? '',
      ...(tenant !== undefined && { tenant }),
      fromPercent: found.sharePercent,
      toPercent,
      who: 'ada (console)',
      why,
    })
    const routes = overview.routes.map((each) => (each.id === id && tenant === undefined ? { ...each, sharePercent: toPercent } : each))
    const next = { ...overview, routes, entries: [...overview.entries, made] }
    shown = shown.map((each) => (each.name === gateway ? { ...each, overview: next } : each))
    return made
  }
  const gateways: Gateways = {
    all: async () => shown,
    async shift(gateway, request: Omit<ShiftRequest, 'who'>) {
      changes.push([gateway, request])
      return change(gateway, request, 'shift')
    },
    async rollBack(gateway, request) {
      changes.push([gateway, request])
      return { entries: [change(gateway, { ...request, percent: 0 }, 'rollback')] }
    },
  }
  return { gateways, changes }
}
