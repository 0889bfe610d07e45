import { httpServer, restClient } from '@seaworthy/rpc/rest'
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { newId, NotFoundError, systemClock } from 'seaworthy/core'
import { serveMonolith } from '../../monolith/adapters/http.ts'
import { MONOLITH_SCHEMA } from '../../monolith/adapters/schema.ts'
import { catalog } from '../../monolith/application/catalog.ts'
import { customers } from '../../monolith/application/customers.ts'
import { forgetting } from '../../monolith/application/forgetting.ts'
import { reacting } from '../../monolith/application/reacting.ts'
import { reviews } from '../../monolith/application/reviews.ts'
import { seedMonolith } from '../../monolith/application/seeding.ts'
import { takingOver } from '../../monolith/application/taking-over.ts'
import { MODULES, type Module, modulesOf } from '../../monolith/domain/modules.ts'
import { monolithService } from '../../monolith/service.ts'
import { ALWAYS_OWNED } from '../../platform/always-owned.ts'
import { indexApi } from '../../platform/index-api.ts'
import { servingOn } from '../../platform/service-ports.ts'
import { catalogApi } from '../../services/catalog/contract/rest.ts'
import { customersApi } from '../../services/customers/contract/rest.ts'
import { reviewWritten } from '../../services/reviews/contract/events.ts'
import { reviewsApi } from '../../services/reviews/contract/rest.ts'
import { openServiceDatabase } from '../service-database.ts'

/** The seeded monolith behind a real port, with the modules that it still has. */
async function openMonolith(modules: readonly Module[] = MODULES) {
  await using stack = new AsyncDisposableStack()
  const { database, outbox } = stack.use(await openServiceDatabase(MONOLITH_SCHEMA))
  const clock = systemClock
  const parts = {
    database,
    catalog: catalog(database),
    reviews: reviews({ database, owned: ALWAYS_OWNED, clock, newId }),
    customers: customers({ database, outbox, owned: ALWAYS_OWNED, clock, newId }),
    people: forgetting({ database, outbox, owned: { reviews: ALWAYS_OWNED, customers: ALWAYS_OWNED }, clock, scrub: async () => [] }),
    takingOver: takingOver({ database, outbox, owned: { reviews: ALWAYS_OWNED, catalog: ALWAYS_OWNED, customers: ALWAYS_OWNED }, clock }),
  }
  assert.equal(await seedMonolith({ ...parts, modules, seed: 7 }), true)
  const server = httpServer({ port: 0 })
  serveMonolith(servingOn(server), parts, modules)
  await server.start()
  stack.defer(() => server.drain({ lingerMs: 0 }))
  const baseUrl = server.url
  const clients = {
    catalog: stack.use(restClient(catalogApi, { baseUrl })),
    reviews: stack.use(restClient(reviewsApi, { baseUrl })),
    customers: stack.use(restClient(customersApi, { baseUrl })),
    index: stack.use(restClient(indexApi, { baseUrl })),
  }
  const owned = stack.move()
  return {
    ...clients,
    database,
    seedAgain: () => seedMonolith({ ...parts, modules, seed: 8 }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

describe('the monolith', () => {
  test('pages through the seeded catalog', async () => {
    await using monolith = await openMonolith()
    const { body } = await monolith.catalog.searchProducts({ query: { page: 25 } })
    assert.deepEqual([body.items.length, body.page, body.pageSize, body.total], [20, 25, 20, 500])
    const [first] = body.items
    assert.deepEqual((await monolith.catalog.getProduct({ params: { id: first!.id } })).body, first)
  })

  test('seeds an empty database only', async () => {
    await using monolith = await openMonolith()
    assert.equal(await monolith.seedAgain(), false)
  })

  test('hands out a document that has every public operation, and no internal one', async () => {
    await using monolith = await openMonolith()
    const { body } = await monolith.index.getOpenApi()
    assert.equal(body['openapi'], '3.1.0')
    const paths = body['paths'] as Record<string, Record<string, unknown>>
    const operations = Object.entries(paths).flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method} ${path}`))
    assert.deepEqual(operations.toSorted(), [
      'delete /api/customers/{id}',
      'get /api',
      'get /api/analytics/summary',
      'get /api/customers/{customerId}/orders',
      'get /api/customers/{customerId}/orders/composed',
      'get /api/customers/{customerId}/payments',
      'get /api/customers/{id}',
      'get /api/openapi.json',
      'get /api/orders/{orderId}',
      'get /api/products',
      'get /api/products/{id}',
      'get /api/reviews',
      'post /api/checkout',
      'post /api/customers',
      'post /api/reviews',
    ])
  })
})

describe('a monolith that has lost modules', () => {
  test('answers for what it still has alone, and seeds that alone', async () => {
    await using monolith = await openMonolith(['customers'])
    assert.equal((await monolith.customers.getCustomer({ params: { id: 'customer-1' } })).status, 200)
    await assert.rejects(monolith.catalog.searchProducts(), NotFoundError)
    await assert.rejects(monolith.reviews.writeReview({ body: { productId: 'product-1', rating: 5 } }), NotFoundError)
    assert.deepEqual(await monolith.database.query({ sql: 'SELECT id FROM products' }), [])
  })

  test('keeps its ratings by following the reviews of the service, each once', async () => {
    const modules = ['catalog', 'customers'] as const
    assert.deepEqual(monolithService(modules).consumes, ['payments', 'customers', 'reviews'])
    assert.deepEqual([monolithService().consumes, monolithService(['customers']).consumes], Array(2).fill(['payments', 'customers']))
    await using monolith = await openMonolith(modules)
    const follow = reacting(modules, { customers: ALWAYS_OWNED })
    const review = { reviewId: 'r1', productId: 'product-1', author: 'Ada', rating: 2, comment: '', createdAt: '2026-01-01T00:00:00.000Z' }
    for (let time = 0; time < 2; time++) await monolith.database.transaction((tx) => follow(reviewWritten(review), tx))
    const { reviewCount, rating } = (await monolith.catalog.getProduct({ params: { id: 'product-1' } })).body
    assert.deepEqual([reviewCount, rating], [1, 2])
    await assert.rejects(
      monolith.database.transaction((tx) => follow(reviewWritten({ ...review, reviewId: 'r2', productId: 'nothing' }), tx)),
      /FOREIGN KEY/,
      'a review of an unknown product is not dropped without a word',
    )
  })

  test('is told which by names that it knows', () => {
    assert.deepEqual(modulesOf('catalog,customers'), ['catalog', 'customers'])
    assert.deepEqual(modulesOf(''), [])
    assert.throws(() => modulesOf('catalog,payments'), /stand in for payments.*catalog, reviews, customers/)
  })
})
