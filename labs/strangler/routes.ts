import monolith from '../../shop/stages/0-monolith.json' with { type: 'json' }
import reviews from '../../shop/stages/1-reviews.json' with { type: 'json' }
import catalog from '../../shop/stages/2-catalog.json' with { type: 'json' }
import customers from '../../shop/stages/3-customers.json' with { type: 'json' }

/** Those of the shop's processes that the lab runs: the monolith and its successors. The others left it long ago, and nothing of this concerns them. */
const RUNNING: ReadonlySet<string> = new Set(['monolith', 'reviews', 'catalog', 'customers'])

/** The routes of the shop's stages, as far as they lead to those; where they are to move to is said when they do. */
const STAGES = [monolith, reviews, catalog, customers].map(({ routes }) =>
  routes.filter(({ from }) => RUNNING.has(from)).map(({ id, match, from }) => ({ id, match, from })),
)

/** Of the catalog, by their ids in the stages' files. */
export const CATALOG_ROUTES: readonly string[] = ['products', 'product']

export function routesAt(stage: 0 | 1 | 2 | 3): readonly object[] {
  return STAGES[stage]!
}

interface MovingRoutes {
  readonly cutOverUrl: string
  readonly isShadowed: boolean
}

/**
 * What a route says while it moves: shadowed at first, by shares, with its data, and guarded. Its guard looks at a few seconds, because a lab has no half hour; and
 * what a busy machine does to latency now and then is no reason to go back.
 */
function moving(to: string, { cutOverUrl, isShadowed }: MovingRoutes) {
  return {
    to,
    stickyBy: { header: 'x-user' },
    data: { url: new URL('ready', cutOverUrl).href, move: cutOverUrl },
    guard: { windowMs: 6_000, requestsMin: 15, latencySlackMs: 400 },
    ...(isShadowed && { shadow: { share: 100 } }),
  }
}

/** Stage 0, whose route of reviews moves. */
export function movingReviews(routes: MovingRoutes): readonly object[] {
  return STAGES[0]!.map((route) => (route.id === 'reviews' ? { ...route, ...moving('reviews', routes) } : route))
}

/** Stage 1, whose routes of the catalog move. */
export function movingCatalog(routes: MovingRoutes): readonly object[] {
  return STAGES[1]!.map((route) => (CATALOG_ROUTES.includes(route.id) ? { ...route, ...moving('catalog', routes) } : route))
}

/** Everything about reviews at the new service from one moment to the next, with nobody to look after it. */
export function bigBangRoutes(): readonly object[] {
  return STAGES[1]!
}
