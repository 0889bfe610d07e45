import { erasureAnswers } from '@seaworthy/supervisor/management'
import { forgettingCustomers, logged } from '../../platform/forgetting.ts'
import type { ServiceComposition } from '../../platform/service-ports.ts'
import { catalogApi } from '../catalog/contract/rest.ts'
import { customersApi } from '../customers/contract/rest.ts'
import { serveReviews } from './adapters/http.ts'
import { catalogOver, customersOver } from './adapters/owners.ts'
import { reviewRepository } from './adapters/review-repository.ts'
import { REVIEWS_SCHEMA } from './adapters/schema.ts'
import { forgetting } from './application/forgetting.ts'
import { reviewing } from './application/reviewing.ts'
import { seedReviewing } from './application/seeding.ts'
import { reviewsMapping } from './contract/monolith-mapping.ts'
import { service } from './service.ts'

/** How reviews is put together. */
export const reviews: ServiceComposition = {
  service,
  schema: [REVIEWS_SCHEMA],
  takesOver: reviewsMapping,
  async wire({ answerSupervisor, connections, consumeByItself, database, logger, outbox, owned, scrub, clock, newId, seeding, serveRest }) {
    const repository = reviewRepository(database)
    const useCases = reviewing({
      database,
      reviews: repository,
      catalog: catalogOver(connections.rest(catalogApi, 'catalog')),
      customers: customersOver(connections.rest(customersApi, 'customers')),
      outbox,
      owned: owned(reviewsMapping.name),
      clock,
      newId,
    })
    await seeding((seed) => seedReviewing({ reviews: repository, reviewing: useCases, seed }))
    await useCases.tellOfUntold()
    serveReviews(serveRest, { reviewing: useCases, reviews: repository })
    const people = logged(
      forgetting({
        database,
        reviews: repository,
        owned: owned(reviewsMapping.name),
        scrub: () => scrub(['reviews']),
      }),
      logger,
    )
    answerSupervisor(erasureAnswers(people))
    await consumeByItself(forgettingCustomers(people))
  },
}
