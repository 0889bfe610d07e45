import type { Database, Transaction } from 'seaworthy/core'
import type { Erasure } from 'seaworthy/event-sourcing'
import { serveIndex } from '../../platform/serve-index.ts'
import type { ServeRest } from '../../platform/service-ports.ts'
import { takenOver } from '../../platform/take-over.ts'
import { catalogApi, catalogImport } from '../../services/catalog/contract/rest.ts'
import { customersApi, customersImport } from '../../services/customers/contract/rest.ts'
import { reviewsApi, reviewsImport } from '../../services/reviews/contract/rest.ts'
import type { Catalog } from '../application/catalog.ts'
import type { Customers } from '../application/customers.ts'
import type { Reviews } from '../application/reviews.ts'
import type { TakingOver } from '../application/taking-over.ts'
import { MODULES, type Module } from '../domain/modules.ts'

export interface MonolithModules {
  readonly database: Database
  readonly catalog: Catalog
  readonly reviews: Reviews
  readonly customers: Customers
  /** Forgets customers. */
  readonly people: Erasure
  readonly takingOver: TakingOver
}

/** Serves the modules that it still has. What was taken out is not there any more: a write that went astray finds nobody who takes it. */
export function serveMonolith(serve: ServeRest, parts: MonolithModules, modules: readonly Module[] = MODULES): void {
  const { database, catalog, reviews, customers, people, takingOver } = parts
  const takeOver = async (records: readonly unknown[], add: (tx: Transaction) => Promise<number>) =>
    takenOver(records, await database.transaction(add))
  const serveModule: Readonly<Record<Module, () => void>> = {
    catalog() {
      serve(catalogApi, {
        searchProducts: async ({ query: { q, ...page } }) => ({ status: 200, body: await catalog.search({ text: q, ...page }) }),
        getProduct: async ({ params }) => ({ status: 200, body: await catalog.product(params.id) }),
      })
      serve(catalogImport, {
        importProducts: ({ body: { products } }) => takeOver(products, (tx) => takingOver.products(tx, products)),
      })
    },
    reviews() {
      serve(reviewsApi, {
        listReviews: async ({ query }) => ({ status: 200, body: await reviews.ofProduct(query) }),
        writeReview: async ({ body }) => ({ status: 201, body: await reviews.write(body) }),
      })
      serve(reviewsImport, {
        importReviews: ({ body: { reviews: records } }) => takeOver(records, (tx) => takingOver.reviews(tx, records)),
      })
    },
    customers() {
      serve(customersApi, {
        createCustomer: async ({ body }) => {
          const customer = await customers.create(body)
          return { status: 201, headers: { location: `/api/customers/${customer.id}` }, body: customer }
        },
        getCustomer: async ({ params }) => ({ status: 200, body: await customers.customer(params.id) }),
        forgetCustomer: async ({ params }) => {
          await people.forget(params.id)
          return { status: 204 }
        },
      })
      serve(customersImport, {
        importCustomers: ({ body: { customers: records } }) => takeOver(records, (tx) => takingOver.customers(tx, records)),
      })
    },
  }
  for (const module of modules) serveModule[module]()
  serveIndex(serve)
}
