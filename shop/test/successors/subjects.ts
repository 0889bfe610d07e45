import { httpServer, type RestClient, type RestContract, restClient } from '@seaworthy/rpc/rest'
import { type Clock, type NewId, systemClock } from 'seaworthy/core'
import type { EventEnvelope } from 'seaworthy/messaging'
import { serveMonolith } from '../../monolith/adapters/http.ts'
import { MONOLITH_SCHEMA } from '../../monolith/adapters/schema.ts'
import { catalog } from '../../monolith/application/catalog.ts'
import { customers } from '../../monolith/application/customers.ts'
import { forgetting } from '../../monolith/application/forgetting.ts'
import { reviews } from '../../monolith/application/reviews.ts'
import { takingOver } from '../../monolith/application/taking-over.ts'
import { MODULES, type Module } from '../../monolith/domain/modules.ts'
import { ALWAYS_OWNED } from '../../platform/always-owned.ts'
import { servingOn } from '../../platform/service-ports.ts'
import { serveCatalog } from '../../services/catalog/adapters/http.ts'
import { productRepository } from '../../services/catalog/adapters/product-repository.ts'
import { CATALOG_SCHEMA } from '../../services/catalog/adapters/schema.ts'
import { rating } from '../../services/catalog/application/rating.ts'
import { catalogApi, catalogImport } from '../../services/catalog/contract/rest.ts'
import { customerRepository } from '../../services/customers/adapters/customer-repository.ts'
import { serveCustomers } from '../../services/customers/adapters/http.ts'
import { CUSTOMERS_SCHEMA } from '../../services/customers/adapters/schema.ts'
import { forgetting as forgettingCustomers } from '../../services/customers/application/forgetting.ts'
import { registering } from '../../services/customers/application/registering.ts'
import { CUSTOMERS_TOPIC } from '../../services/customers/contract/events.ts'
import { customersApi, customersImport } from '../../services/customers/contract/rest.ts'
import { serveReviews } from '../../services/reviews/adapters/http.ts'
import { catalogOver, customersOver } from '../../services/reviews/adapters/owners.ts'
import { reviewRepository } from '../../services/reviews/adapters/review-repository.ts'
import { REVIEWS_SCHEMA } from '../../services/reviews/adapters/schema.ts'
import { reviewing } from '../../services/reviews/application/reviewing.ts'
import { REVIEWS_TOPIC } from '../../services/reviews/contract/events.ts'
import { reviewsApi, reviewsImport } from '../../services/reviews/contract/rest.ts'
import { openServiceDatabase } from '../service-database.ts'

/** Whoever answers for catalog, reviews and customers, behind real ports. */
export interface Subject extends AsyncDisposable {
  /** Where each of the three is answered. */
  readonly urls: Readonly<Record<Module, string>>
  readonly catalog: Client<typeof catalogApi> & Client<typeof catalogImport>
  readonly reviews: Client<typeof reviewsApi> & Client<typeof reviewsImport>
  readonly customers: Client<typeof customersApi> & Client<typeof customersImport>
  /** What was told about customers, in order. */
  told(): Promise<readonly EventEnvelope[]>
  /** What is told by events has arrived everywhere. */
  settled(): Promise<void>
}

type Client<Contract extends RestContract> = RestClient<Contract['operations']>

/** Equal ones for equal subjects, where answers are compared to the letter. */
export interface Chance {
  readonly newId: NewId
  readonly clock: Clock
}

const byChance = (): Chance => ({ newId: () => crypto.randomUUID(), clock: systemClock })

export async function openMonolith({ newId, clock }: Chance = byChance()): Promise<Subject> {
  await using stack = new AsyncDisposableStack()
  const service = stack.use(await openServiceDatabase(MONOLITH_SCHEMA))
  const { database, outbox } = service
  const server = httpServer({ port: 0 })
  serveMonolith(servingOn(server), {
    database,
    catalog: catalog(database),
    reviews: reviews({ database, owned: ALWAYS_OWNED, clock, newId }),
    customers: customers({ database, outbox, owned: ALWAYS_OWNED, clock, newId }),
    people: forgetting({ database, outbox, owned: { reviews: ALWAYS_OWNED, customers: ALWAYS_OWNED }, clock, scrub: async () => [] }),
    takingOver: takingOver({ database, outbox, owned: { reviews: ALWAYS_OWNED, catalog: ALWAYS_OWNED, customers: ALWAYS_OWNED }, clock }),
  })
  await server.start()
  stack.defer(() => server.drain({ lingerMs: 0 }))
  const urls = Object.fromEntries(MODULES.map((module) => [module, server.url])) as Record<Module, string>
  const clients = clientsOf(urls, stack)
  const parts = stack.move()
  return {
    urls,
    ...clients,
    told: () => service.published(CUSTOMERS_TOPIC),
    settled: async () => {},
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }
}

export async function openServices({ newId, clock }: Chance = byChance()): Promise<Subject> {
  await using stack = new AsyncDisposableStack()
  const [goods, opinions, people] = [
    stack.use(await openServiceDatabase(CATALOG_SCHEMA)),
    stack.use(await openServiceDatabase(REVIEWS_SCHEMA)),
    stack.use(await openServiceDatabase(CUSTOMERS_SCHEMA)),
  ]
  const servers = { catalog: httpServer({ port: 0 }), reviews: httpServer({ port: 0 }), customers: httpServer({ port: 0 }) }
  const products = productRepository(goods.database)
  serveCatalog(servingOn(servers.catalog), { database: goods.database, products, owned: ALWAYS_OWNED })
  const customersKept = customerRepository(people.database)
  const register = registering({ ...people, owned: ALWAYS_OWNED, customers: customersKept, clock, newId })
  const forgets = forgettingCustomers({ ...people, owned: ALWAYS_OWNED, customers: customersKept, clock, scrub: async () => [] })
  serveCustomers(servingOn(servers.customers), { registering: register, customers: customersKept, people: forgets })
  for (const server of [servers.catalog, servers.customers]) {
    await server.start()
    stack.defer(() => server.drain({ lingerMs: 0 }))
  }
  const kept = reviewRepository(opinions.database)
  const write = reviewing({
    owned: ALWAYS_OWNED,
    ...opinions,
    reviews: kept,
    catalog: catalogOver(stack.use(restClient(catalogApi, { baseUrl: servers.catalog.url }))),
    customers: customersOver(stack.use(restClient(customersApi, { baseUrl: servers.customers.url }))),
    clock,
    newId,
  })
  serveReviews(servingOn(servers.reviews), { reviewing: write, reviews: kept })
  await servers.reviews.start()
  stack.defer(() => servers.reviews.drain({ lingerMs: 0 }))
  const urls = { catalog: servers.catalog.url, reviews: servers.reviews.url, customers: servers.customers.url }
  const clients = clientsOf(urls, stack)
  const rate = rating(products)
  const parts = stack.move()
  return {
    urls,
    ...clients,
    told: () => people.published(CUSTOMERS_TOPIC),
    async settled() {
      // All of them each time: deliveries are repeated, and count once.
      const events = await opinions.published(REVIEWS_TOPIC)
      await goods.database.transaction(async (tx) => {
        for (const event of events) await rate(event, tx)
      })
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }
}

function clientsOf(urls: Readonly<Record<Module, string>>, stack: AsyncDisposableStack): Pick<Subject, Module> {
  const client = <Contract extends RestContract>(contract: Contract, baseUrl: string) =>
    stack.use(restClient(contract, { baseUrl })) as Client<Contract>
  return {
    catalog: { ...client(catalogApi, urls.catalog), ...client(catalogImport, urls.catalog) },
    reviews: { ...client(reviewsApi, urls.reviews), ...client(reviewsImport, urls.reviews) },
    customers: { ...client(customersApi, urls.customers), ...client(customersImport, urls.customers) },
  }
}
