import { openApiDocument } from '../platform/openapi.ts'
import type { ServiceComposition } from '../platform/service-ports.ts'
import { serveMonolith } from './adapters/http.ts'
import { MONOLITH_SCHEMA } from './adapters/schema.ts'
import { catalog } from './application/catalog.ts'
import { customers, settingLimits } from './application/customers.ts'
import { reviews } from './application/reviews.ts'
import { seedMonolith } from './application/seeding.ts'
import { takingOver } from './application/taking-over.ts'
import { service } from './service.ts'

/** How the monolith is put together. */
export const monolith: ServiceComposition = {
  service,
  schema: [MONOLITH_SCHEMA],
  async wire({ database, outbox, clock, newId, serveRest, seeding, consume }) {
    const modules = {
      database,
      catalog: catalog(database),
      reviews: reviews({ database, clock, newId }),
      customers: customers({ database, outbox, clock, newId }),
      takingOver: takingOver({ database, outbox, clock }),
      openApiDocument,
    }
    await seeding((seed) => seedMonolith({ ...modules, seed }))
    serveMonolith(serveRest, modules)
    await consume(settingLimits)
  },
}
