import type { Database, Transaction } from 'seaworthy/core'
import type { ServeRest } from '../../platform/service-ports.ts'
import { takenOver } from '../../platform/take-over.ts'
import type { Catalog } from '../application/catalog.ts'
import type { Customers } from '../application/customers.ts'
import type { Reviews } from '../application/reviews.ts'
import type { TakingOver } from '../application/taking-over.ts'
import { monolithApi, monolithImport } from '../contract/rest.ts'

export interface MonolithModules {
  readonly database: Database
  readonly catalog: Catalog
  readonly reviews: Reviews
  readonly customers: Customers
  readonly takingOver: TakingOver
  /** The document of the whole public API. */
  readonly openApiDocument: () => Record<string, unknown>
}

export function serveMonolith(serve: ServeRest, modules: MonolithModules): void {
  const { catalog, reviews, customers } = modules
  let document: Record<string, unknown> | undefined
  serve(monolithApi, {
    searchProducts: async ({ query: { q, ...page } }) => ({ status: 200, body: await catalog.search({ text: q, ...page }) }),
    getProduct: async ({ params }) => ({ status: 200, body: await catalog.product(params.id) }),
    listReviews: async ({ query }) => ({ status: 200, body: await reviews.ofProduct(query) }),
    writeReview: async ({ body }) => ({ status: 201, body: await reviews.write(body) }),
    createCustomer: async ({ body }) => {
      const customer = await customers.create(body)
      return { status: 201, headers: { location: `/api/customers/${customer.id}` }, body: customer }
    },
    getCustomer: async ({ params }) => ({ status: 200, body: await customers.customer(params.id) }),
    getIndex: () => ({
      status: 200,
      body: { name: 'The shop', openApi: '/api/openapi.json', products: '/api/products', checkout: 'POST /api/checkout' },
    }),
    // Made when it is first asked for: the start has no use for it.
    getOpenApi: async () => ({ status: 200, body: (document ??= modules.openApiDocument()) }),
  })
  serveImport(serve, modules)
}

function serveImport(serve: ServeRest, { database, takingOver }: MonolithModules): void {
  const takeOver = async (records: readonly unknown[], add: (tx: Transaction) => Promise<number>) =>
    takenOver(records, await database.transaction(add))
  serve(monolithImport, {
    importProducts: ({ body: { products } }) => takeOver(products, (tx) => takingOver.products(tx, products)),
    importReviews: ({ body: { reviews } }) => takeOver(reviews, (tx) => takingOver.reviews(tx, reviews)),
    importCustomers: ({ body: { customers } }) => takeOver(customers, (tx) => takingOver.customers(tx, customers)),
  })
}
