import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { InvalidInputError, newId, NotFoundError, systemClock } from 'seaworthy/core'
import { MONOLITH_SCHEMA } from '../../monolith/adapters/schema.ts'
import { catalog } from '../../monolith/application/catalog.ts'
import { customers } from '../../monolith/application/customers.ts'
import { reviews } from '../../monolith/application/reviews.ts'
import { takingOver } from '../../monolith/application/taking-over.ts'
import { openServiceDatabase } from '../service-database.ts'
import { ALWAYS_OWNED } from '../../platform/always-owned.ts'

const product = (id: string, name: string) => ({ id, name, description: '', category: 'Dairy', priceCents: 500 })

async function openMonolith() {
  const service = await openServiceDatabase(MONOLITH_SCHEMA)
  const { database, outbox } = service
  const clock = systemClock
  return {
    ...service,
    [Symbol.asyncDispose]: () => service[Symbol.asyncDispose](),
    catalog: catalog(database),
    reviews: reviews({ database, owned: ALWAYS_OWNED, clock, newId }),
    customers: customers({ database, outbox, owned: ALWAYS_OWNED, clock, newId }),
    takingOver: takingOver({ database, outbox, owned: { reviews: ALWAYS_OWNED, catalog: ALWAYS_OWNED, customers: ALWAYS_OWNED }, clock }),
    products: (...names: string[]) =>
      database.transaction((tx) =>
        takingOver({ database, outbox, owned: { reviews: ALWAYS_OWNED, catalog: ALWAYS_OWNED, customers: ALWAYS_OWNED }, clock }).products(
          tx,
          names.map((name, index) => product(`p${index + 1}`, name)),
        ),
      ),
  }
}

describe('the catalog', () => {
  test('is searched by name, category and brand, a page at a time', async () => {
    await using monolith = await openMonolith()
    await monolith.products('Brie', 'Camembert', 'Zwieback', 'Gouda')
    const first = await monolith.catalog.search({ text: '', page: 1, pageSize: 3 })
    assert.deepEqual([first.items.map(({ name }) => name), first.total], [['Brie', 'Camembert', 'Gouda'], 4])
    const second = await monolith.catalog.search({ text: 'dairy', page: 2, pageSize: 3 })
    assert.deepEqual([second.items.map(({ name }) => name), second.total], [['Zwieback'], 4])
    assert.equal((await monolith.catalog.search({ text: 'BERT', page: 1, pageSize: 3 })).total, 1)
  })

  test('takes % and _ in a search for what they are', async () => {
    await using monolith = await openMonolith()
    await monolith.products('50% fat', 'Half fat', 'a_b', 'a\\b')
    const names = async (text: string) => (await monolith.catalog.search({ text, page: 1, pageSize: 10 })).items.map(({ name }) => name)
    assert.deepEqual(await names('%'), ['50% fat'])
    assert.deepEqual(await names('_'), ['a_b'])
    assert.deepEqual(await names('\\'), ['a\\b'])
  })

  test('a product that is not there is not found', async () => {
    await using monolith = await openMonolith()
    await assert.rejects(monolith.catalog.product('nothing'), NotFoundError)
  })
})

describe('reviews', () => {
  test('a review shows on its product, under the name of the customer who wrote it', async () => {
    await using monolith = await openMonolith()
    await monolith.products('Brie')
    const { id: customerId } = await monolith.customers.create({ name: 'Ada', email: 'ada@example.com' })
    await monolith.reviews.write({ productId: 'p1', customerId, rating: 4, comment: 'Ripe.' })
    await monolith.reviews.write({ productId: 'p1', rating: 5, comment: '' })
    const { items, total } = await monolith.reviews.ofProduct({ productId: 'p1', page: 1, pageSize: 10 })
    assert.equal(total, 2)
    assert.deepEqual(new Set(items.map(({ author }) => author)), new Set(['Ada', 'Anonymous']))
    const { reviewCount, rating } = await monolith.catalog.product('p1')
    assert.deepEqual([reviewCount, rating], [2, 4.5])
  })

  test('a review of nothing, or by nobody, is refused, and the field is named', async () => {
    await using monolith = await openMonolith()
    await monolith.products('Brie')
    const refused = (field: string) => (error: unknown) => error instanceof InvalidInputError && error.fields[0]?.field === field
    await assert.rejects(monolith.reviews.write({ productId: 'p9', rating: 4, comment: '' }), refused('productId'))
    await assert.rejects(monolith.reviews.write({ productId: 'p1', customerId: 'c9', rating: 4, comment: '' }), refused('customerId'))
  })
})

describe('customers', () => {
  test('a new customer may spend 100,000.00 on an order, and is told about', async () => {
    await using monolith = await openMonolith()
    const customer = await monolith.customers.create({ name: 'Ada', email: 'ada@example.com' })
    assert.equal(customer.creditLimitCents, 10_000_000)
    assert.deepEqual(await monolith.customers.customer(customer.id), customer)
    assert.deepEqual(
      (await monolith.published('customers')).map(({ type, data }) => [type, data]),
      [['customer.created', { customerId: customer.id, canBeBilled: true, creditLimitCents: 10_000_000 }]],
    )
  })

  test('customers, products and reviews that are taken over twice are there once, and told about once', async () => {
    await using monolith = await openMonolith()
    const takeOver = () =>
      monolith.database.transaction(async (tx) => [
        await monolith.takingOver.products(tx, [product('p1', 'Brie')]),
        await monolith.takingOver.reviews(tx, [
          { id: 'r1', productId: 'p1', author: 'Bob', rating: 3, comment: '', createdAt: '2025-04-30T09:41:02.053Z' },
        ]),
        await monolith.takingOver.customers(tx, [{ id: 'c1', name: 'Ada', email: 'ada@example.com' }]),
      ])
    assert.deepEqual(await takeOver(), [1, 1, 1])
    assert.deepEqual(await takeOver(), [0, 0, 0])
    assert.deepEqual(
      (await monolith.published('customers')).map(({ type }) => type),
      ['customer.imported'],
    )
    assert.equal(
      (await monolith.reviews.ofProduct({ productId: 'p1', page: 1, pageSize: 1 })).items[0]?.createdAt,
      '2025-04-30T09:41:02.053Z',
    )
  })
})
