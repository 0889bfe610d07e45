import type { ServiceComposition } from '../../platform/service-ports.ts'
import { serveCatalog } from './adapters/http.ts'
import { productRepository } from './adapters/product-repository.ts'
import { CATALOG_SCHEMA } from './adapters/schema.ts'
import { rating } from './application/rating.ts'
import { seedCatalog } from './application/seeding.ts'
import { catalogMapping } from './contract/monolith-mapping.ts'
import { service } from './service.ts'

/** How the catalog is put together. */
export const catalog: ServiceComposition = {
  service,
  schema: [CATALOG_SCHEMA],
  takesOver: catalogMapping,
  async wire({ database, owned, seeding, serveRest, consume }) {
    const products = productRepository(database)
    await seeding((seed) => seedCatalog({ database, products, seed }))
    serveCatalog(serveRest, { database, products, owned: owned(catalogMapping.name) })
    await consume(rating(products))
  },
}
