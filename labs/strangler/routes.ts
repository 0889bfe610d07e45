import catalog from '../../shop/stages/2-catalog.json' with { type: 'json' }
import customers from '../../shop/stages/3-customers.json' with { type: 'json' }
import monolith from '../../shop/stages/0-monolith.json' with { type: 'json' }
import reviews from '../../shop/stages/1-reviews.json' with { type: 'json' }
import { PIN_HEADER } from './read-own-writes.ts'

/** Those of the shop's processes that the lab runs: the monolith and its successors. The others left it long ago, and nothing of this concerns them. */
const RUNNING: ReadonlySet<string> = new Set(['monolith', 'reviews', 'catalog', 'customers'])

/** The routes of one of the shop's stages, as far as they lead to those. */
const STAGES = [monolith, reviews, catalog, customers].map(({ routes }) => routes.filter(({ from }) => RUNNING.has(from)))

export function routesAt(stage: 0 | 1 | 2 | 3): readonly object[] {
  return STAGES[stage]!
}

export interface MovingReviews {
  readonly cutOverUrl: string
  readonly isShadowed: boolean
}

/**
 * Stage 0, whose route of reviews moves: shadowed at first, by shares, with its data, and guarded. Its guard looks at a few seconds, because a lab has no half hour; and
 * what a busy machine does to latency now and then is no reason to go back.
 */
export function movingRoutes({ cutOverUrl, isShadowed }: MovingReviews): readonly object[] {
  const pinned = (side: 'old' | 'new', from: string) => ({
    id: `reviews-at-${side}-side`,
    match: { path: '/api/reviews', methods: ['GET'], headers: { [PIN_HEADER]: side } },
    from,
  })
  const moving = {
    to: 'reviews',
    stickyBy: { header: 'x-user' },
    data: { url: new URL('ready', cutOverUrl).href, move: cutOverUrl },
    guard: { windowMs: 4_000, requestsMin: 20, latencySlackMs: 300 },
    ...(isShadowed && { shadow: { share: 100 } }),
  }
  return [
    ...STAGES[0]!.map((route) => (route.id === 'reviews' ? { ...route, ...moving } : route)),
    pinned('old', 'monolith'),
    pinned('new', 'reviews'),
  ]
}

/** Everything about reviews at the new service from one moment to the next, with nobody to look after it. */
export function bigBangRoutes(): readonly object[] {
  return STAGES[1]!
}
