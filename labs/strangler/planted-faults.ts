import type { RequestFaults } from '@seaworthy/supervisor'
import type { ServeRest, ServiceComposition } from '../../shop/platform/service-ports.ts'
import { reviewsApi } from '../../shop/services/reviews/contract/rest.ts'
import type { ListedReview } from './reviews-as-read.ts'

/** The fields in which a careless release differs from the monolith, as a comparison names them. */
export const PLANTED_FIELDS: readonly string[] = ['body.items[].createdAt', 'body.items[].customerId']

/** What a careless rewrite makes of a review: times are kept in seconds, and of who wrote it the name alone. */
export function carelessly({ customerId: _forgotten, createdAt, ...review }: ListedReview): ListedReview {
  return { ...review, createdAt: new Date(Math.floor(Date.parse(createdAt) / 1_000) * 1_000).toISOString() }
}

/** What the slow release does with every request. */
export const SLOW_RELEASE: RequestFaults = { latencyMs: 1_000, errorRatio: 0 }

/** A request that takes so long was slow. */
export const SLOW_FROM_MS = SLOW_RELEASE.latencyMs / 2

interface Page {
  readonly status: 200
  readonly body: { readonly items: readonly ListedReview[] }
}

/** The same service, whose answers to readers are wrong; what it stores is right. */
export function withPlantedBugs(composition: ServiceComposition): ServiceComposition {
  return {
    ...composition,
    wire(ports) {
      const serveRest: ServeRest = (contract, handlers) => {
        const own = handlers as unknown as { readonly listReviews: (request: unknown) => Promise<Page> }
        const listReviews = async (request: unknown) => {
          const { body, ...answer } = await own.listReviews(request)
          return { ...answer, body: { ...body, items: body.items.map(carelessly) } }
        }
        ports.serveRest(contract, (contract as unknown) === reviewsApi ? { ...handlers, listReviews } : handlers)
      }
      return composition.wire({ ...ports, serveRest })
    },
  }
}
