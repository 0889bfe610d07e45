import { httpServer, restClient } from '@seaworthy/rpc/rest'
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { InvalidInputError, newId, NotFoundError, systemClock } from 'seaworthy/core'
import { serveMonolith } from '../../monolith/adapters/http.ts'
import { MONOLITH_SCHEMA } from '../../monolith/adapters/schema.ts'
import { catalog } from '../../monolith/application/catalog.ts'
import { customers } from '../../monolith/application/customers.ts'
import { reviews } from '../../monolith/application/reviews.ts'
import { seedMonolith } from '../../monolith/application/seeding.ts'
import { takingOver } from '../../monolith/application/taking-over.ts'
import { monolithApi, monolithImport } from '../../monolith/contract/rest.ts'
import { openApiDocument } from '../../platform/openapi.ts'
import { servingOn } from '../../platform/service-ports.ts'
import { openServiceDatabase } from '../service-database.ts'

/** The seeded monolith behind a real port, and clients of its contracts. */
async function openMonolith() {
  const service = await openServiceDatabase(MONOLITH_SCHEMA)
  const { database, outbox } = service
  const clock = systemClock
  const modules = {
    database,
    catalog: catalog(database),
    reviews: reviews({ database, clock, newId }),
    customers: customers({ database, outbox, clock, newId }),
    takingOver: takingOver({ database, outbox, clock }),
    openApiDocument,
  }
  assert.equal(await seedMonolith({ ...modules, seed: 7 }), true)
  const server = httpServer({ port: 0 })
  serveMonolith(servingOn(server), modules)
  await server.start()
  const api = restClient(monolithApi, { baseUrl: server.url })
  const internal = restClient(monolithImport, { baseUrl: server.url })
  return {
    api,
    internal,
    url: server.url,
    seedAgain: () => seedMonolith({ ...modules, seed: 8 }),
    async [Symbol.asyncDispose]() {
      api[Symbol.dispose]()
      internal[Symbol.dispose]()
      await server.drain({ lingerMs: 0 })
      await service[Symbol.asyncDispose]()
    },
  }
}

const namesField = (field: string) => (error: unknown) =>
  error instanceof InvalidInputError && error.fields.some((invalid) => invalid.field === field)

describe('the REST API of the monolith', () => {
  test('pages through the seeded catalog', async () => {
    await using monolith = await openMonolith()
    const { body } = await monolith.api.searchProducts({ query: { page: 25 } })
    assert.deepEqual([body.items.length, body.page, body.pageSize, body.total], [20, 25, 20, 500])
    const beyond = await monolith.api.searchProducts({ query: { page: 26 } })
    assert.deepEqual(beyond.body.items, [])
    const [first] = body.items
    assert.deepEqual((await monolith.api.getProduct({ params: { id: first!.id } })).body, first)
  })

  test('seeds an empty database only', async () => {
    await using monolith = await openMonolith()
    assert.equal(await monolith.seedAgain(), false)
  })

  test('takes a customer and a review, and shows them', async () => {
    await using monolith = await openMonolith()
    const created = await monolith.api.createCustomer({ body: { name: 'Ada', email: 'ada@example.com' } })
    assert.equal(created.status, 201)
    assert.equal(created.headers['location'], `/api/customers/${created.body.id}`)
    assert.deepEqual((await monolith.api.getCustomer({ params: { id: created.body.id } })).body, created.body)
    await monolith.api.writeReview({ body: { productId: 'product-1', customerId: created.body.id, rating: 5, comment: 'Fine.' } })
    const { body } = await monolith.api.listReviews({ query: { productId: 'product-1' } })
    assert.equal(body.items[0]?.author, 'Ada')
  })

  test('names the field of bad input', async () => {
    await using monolith = await openMonolith()
    const { api } = monolith
    await assert.rejects(api.createCustomer({ body: { name: '  ', email: 'ada@example.com' } }), namesField('name'))
    await assert.rejects(api.createCustomer({ body: { name: 'Ada', email: 'ada' } }), namesField('email'))
    await assert.rejects(api.writeReview({ body: { productId: 'product-1', rating: 6 } }), namesField('rating'))
    await assert.rejects(api.writeReview({ body: { productId: 'nothing', rating: 5 } }), namesField('productId'))
    await assert.rejects(api.searchProducts({ query: { page: 0 } }), namesField('page'))
    await assert.rejects(api.listReviews({ query: { productId: '' } }), namesField('productId'))
    await assert.rejects(api.getProduct({ params: { id: 'nothing' } }), NotFoundError)
    await assert.rejects(api.getCustomer({ params: { id: 'nothing' } }), NotFoundError)
  })

  test('hands out a document that has every public operation, and no internal one', async () => {
    await using monolith = await openMonolith()
    const { body } = await monolith.api.getOpenApi()
    assert.equal(body['openapi'], '3.1.0')
    const paths = body['paths'] as Record<string, Record<string, unknown>>
    const operations = Object.entries(paths).flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method} ${path}`))
    assert.deepEqual(operations.toSorted(), [
      'get /api',
      'get /api/analytics/summary',
      'get /api/customers/{customerId}/orders',
      'get /api/customers/{customerId}/orders/composed',
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

  test('takes over what it does not know, and leaves what it knows as it is', async () => {
    await using monolith = await openMonolith()
    const brie = { id: 'p1', name: 'Brie', description: '', category: 'Dairy', priceCents: 500 }
    const known = { ...brie, id: 'product-1' }
    const { body } = await monolith.internal.importProducts({ body: { products: [brie, known] } })
    assert.deepEqual(body, { added: 1, known: 1 })
    assert.notEqual((await monolith.api.getProduct({ params: { id: 'product-1' } })).body.name, 'Brie')
  })
})
