import { type Database, NotFoundError } from 'seaworthy/core'
import type { ServeRest } from '../../../platform/service-ports.ts'
import { takenOver } from '../../../platform/take-over.ts'
import type { Ownership, ProductRepository, RatedProduct } from '../application/ports.ts'
import { catalogApi, catalogImport } from '../contract/rest.ts'
import { meanOf } from '../domain/product.ts'

interface CatalogParts {
  readonly database: Database
  readonly products: ProductRepository
  readonly owned: Ownership
}

export function serveCatalog(serve: ServeRest, { database, products, owned }: CatalogParts): void {
  serve(catalogApi, {
    searchProducts: async ({ query: { q, ...request } }) => {
      const page = await products.search({ text: q, ...request })
      return { status: 200, body: { ...page, items: page.items.map(shown) } }
    },
    getProduct: async ({ params }) => {
      const product = await products.find(params.id)
      if (product === undefined) throw new NotFoundError(`There is no product ${params.id}.`)
      return { status: 200, body: shown(product) }
    },
  })
  serve(catalogImport, {
    importProducts: async ({ body }) => {
      const added = await database.transaction(async (tx) => {
        await owned.assertOwned(tx)
        return products.takeOver(tx, body.products)
      })
      return takenOver(body.products, added)
    },
  })
}

function shown({ ratings, ...product }: RatedProduct) {
  const rating = meanOf(ratings)
  return { ...product, reviewCount: ratings.count, ...(rating !== undefined && { rating }) }
}
