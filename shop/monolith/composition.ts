import { erasureAnswers } from '@seaworthy/supervisor/management'
import { forgettingCustomers, logged, onceErased } from '../platform/forgetting.ts'
import type { ServiceComposition } from '../platform/service-ports.ts'
import { serveMonolith } from './adapters/http.ts'
import { MONOLITH_SCHEMA } from './adapters/schema.ts'
import { catalog } from './application/catalog.ts'
import { customers } from './application/customers.ts'
import { forgetting } from './application/forgetting.ts'
import { reacting } from './application/reacting.ts'
import { reviews } from './application/reviews.ts'
import { seedMonolith } from './application/seeding.ts'
import { takingOver } from './application/taking-over.ts'
import { MODULES, type Module } from './domain/modules.ts'
import { monolithService } from './service.ts'
import { catalogMapping } from '../services/catalog/contract/monolith-mapping.ts'
import { customersMapping } from '../services/customers/contract/monolith-mapping.ts'
import { reviewsMapping } from '../services/reviews/contract/monolith-mapping.ts'

/** How the monolith is put together, with the modules that it still has. */
export function monolith(modules: readonly Module[] = MODULES): ServiceComposition {
  const service = monolithService(modules)
  return {
    service,
    schema: [MONOLITH_SCHEMA],
    givesAway: [reviewsMapping, catalogMapping, customersMapping],
    async wire({ answerSupervisor, database, scrub, outbox, owned: ownedBy, clock, logger, newId, serveRest, seeding, consume }) {
      const owned = {
        reviews: ownedBy(reviewsMapping.name),
        catalog: ownedBy(catalogMapping.name),
        customers: ownedBy(customersMapping.name),
      }
      const parts = {
        database,
        catalog: catalog(database),
        reviews: reviews({ database, owned: owned.reviews, clock, newId }),
        customers: customers({ database, outbox, owned: owned.customers, clock, newId }),
        people: logged(
          forgetting({
            database,
            outbox,
            owned,
            clock,
            scrub: () => scrub(['customers', 'reviews']),
          }),
          logger,
        ),
        takingOver: takingOver({
          database,
          outbox,
          owned,
          clock,
        }),
      }
      await seeding((seed) => seedMonolith({ ...parts, modules, seed }))
      serveMonolith(serveRest, parts, modules)
      if (modules.includes('customers')) answerSupervisor(erasureAnswers(parts.people))
      // After the seeding: what it hears of refers to products that are there.
      if (modules.includes('customers'))
        await consume(reacting(modules, owned), { beforehand: forgettingCustomers(onceErased(parts.people)) })
      else if (service.reactions.length > 0) await consume(reacting(modules, owned))
    },
  }
}
