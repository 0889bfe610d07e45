import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { InvalidInputError, NotFoundError } from 'seaworthy/core'
import { openMonolith, openServices, type Subject } from './subjects.ts'

const product = (id: string, name: string) => ({ id, name, description: '', category: 'Dairy', priceCents: 500 })
const review = (id: string, productId: string, rating: number) => ({
  id,
  productId,
  author: 'Bob',
  rating,
  comment: '',
  createdAt: '2025-04-30T09:41:02.053Z',
})
const namesField = (field: string) => (error: unknown) =>
  error instanceof InvalidInputError && error.fields.some((invalid) => invalid.field === field)

async function withProducts(open: () => Promise<Subject>, ...names: readonly string[]): Promise<Subject> {
  const subject = await open()
  await subject.catalog.importProducts({ body: { products: names.map((name, index) => product(`p${index + 1}`, name)) } })
  return subject
}

/** What the public is promised of catalog, reviews and customers, whoever answers. */
for (const [who, open] of [
  ['the monolith', openMonolith],
  ['the services', openServices],
] as const) {
  describe(`catalog, as ${who} answer for it`, () => {
    test('is searched by name, category and brand, a page at a time', async () => {
      await using subject = await withProducts(open, 'Brie', 'Camembert', 'Zwieback', 'Gouda')
      const first = (await subject.catalog.searchProducts({ query: { pageSize: 3 } })).body
      assert.deepEqual([first.items.map(({ name }) => name), first.total, first.page], [['Brie', 'Camembert', 'Gouda'], 4, 1])
      const second = (await subject.catalog.searchProducts({ query: { q: 'dairy', page: 2, pageSize: 3 } })).body
      assert.deepEqual([second.items.map(({ name }) => name), second.total], [['Zwieback'], 4])
      assert.equal((await subject.catalog.searchProducts({ query: { q: 'BERT' } })).body.total, 1)
      assert.deepEqual((await subject.catalog.searchProducts({ query: { page: 9 } })).body.items, [])
    })

    test('takes % and _ in a search for what they are', async () => {
      await using subject = await withProducts(open, '50% fat', 'Half fat', 'a_b', 'a\\b')
      const names = async (q: string) => (await subject.catalog.searchProducts({ query: { q } })).body.items.map(({ name }) => name)
      assert.deepEqual([await names('%'), await names('_'), await names('\\')], [['50% fat'], ['a_b'], ['a\\b']])
    })

    test('shows a product with the count and the mean of its reviews, each review once', async () => {
      await using subject = await withProducts(open, 'Brie')
      assert.deepEqual((await subject.catalog.getProduct({ params: { id: 'p1' } })).body, { ...product('p1', 'Brie'), reviewCount: 0 })
      await subject.reviews.importReviews({ body: { reviews: [review('r1', 'p1', 3), review('r2', 'p1', 3)] } })
      await subject.reviews.writeReview({ body: { productId: 'p1', rating: 5 } })
      for (let time = 0; time < 2; time++) {
        await subject.settled()
        const { reviewCount, rating } = (await subject.catalog.getProduct({ params: { id: 'p1' } })).body
        assert.deepEqual([reviewCount, rating], [3, 3.67])
      }
    })

    test('takes over what it does not know, and leaves what it knows as it is', async () => {
      await using subject = await withProducts(open, 'Brie')
      const { body } = await subject.catalog.importProducts({ body: { products: [product('p1', 'Gouda'), product('p2', 'Feta')] } })
      assert.deepEqual(body, { added: 1, known: 1 })
      assert.equal((await subject.catalog.getProduct({ params: { id: 'p1' } })).body.name, 'Brie')
    })

    test('names what is wrong with a question', async () => {
      await using subject = await open()
      await assert.rejects(subject.catalog.searchProducts({ query: { page: 0 } }), namesField('page'))
      await assert.rejects(subject.catalog.getProduct({ params: { id: 'nothing' } }), NotFoundError)
    })

    test('may have no NUL in what is asked for, nor in what is taken over: not every engine could keep it', async () => {
      await using subject = await open()
      await assert.rejects(subject.catalog.searchProducts({ query: { q: 'Br\0ie' } }), namesField('q'))
      await assert.rejects(subject.catalog.getProduct({ params: { id: 'p\x001' } }), namesField('id'))
      const products = [{ ...product('p1', 'Brie'), description: '\0' }]
      await assert.rejects(subject.catalog.importProducts({ body: { products } }), namesField('products[0].description'))
    })
  })

  describe(`reviews, as ${who} answer for them`, () => {
    test('show on their product, newest first, under the name of the customer who wrote them', async () => {
      await using subject = await withProducts(open, 'Brie')
      const { id: customerId } = (await subject.customers.createCustomer({ body: { name: 'Ada', email: 'ada@example.com' } })).body
      await subject.reviews.importReviews({ body: { reviews: [review('r1', 'p1', 3)] } })
      const written = (await subject.reviews.writeReview({ body: { productId: 'p1', customerId, rating: 4, comment: 'Ripe.' } })).body
      assert.deepEqual([written.author, written.customerId, written.comment], ['Ada', customerId, 'Ripe.'])
      const { items, total } = (await subject.reviews.listReviews({ query: { productId: 'p1' } })).body
      assert.equal(total, 2)
      assert.deepEqual(items, [written, review('r1', 'p1', 3)])
    })

    test('may come from nobody, or from somebody by another name', async () => {
      await using subject = await withProducts(open, 'Brie')
      const authorOf = async (more: object) =>
        (await subject.reviews.writeReview({ body: { productId: 'p1', rating: 5, ...more } })).body.author
      const { id: customerId } = (await subject.customers.createCustomer({ body: { name: 'Ada', email: 'ada@example.com' } })).body
      assert.equal(await authorOf({}), 'Anonymous')
      assert.equal(await authorOf({ customerId, author: ' A. ' }), 'A.')
    })

    test('of nothing, by nobody, or out of range are refused, and the field is named', async () => {
      await using subject = await withProducts(open, 'Brie')
      const { writeReview, listReviews } = subject.reviews
      await assert.rejects(writeReview({ body: { productId: 'p9', rating: 4 } }), namesField('productId'))
      await assert.rejects(writeReview({ body: { productId: '..', rating: 4 } }), namesField('productId'))
      await assert.rejects(writeReview({ body: { productId: 'p1', customerId: 'c9', rating: 4 } }), namesField('customerId'))
      await assert.rejects(writeReview({ body: { productId: 'p9', customerId: 'c9', rating: 4 } }), namesField('productId'))
      await assert.rejects(writeReview({ body: { productId: 'p1', rating: 6 } }), namesField('rating'))
      await assert.rejects(writeReview({ body: { productId: 'p1', rating: 4, author: 'A\0da' } }), namesField('author'))
      await assert.rejects(writeReview({ body: { productId: 'p1', rating: 4, comment: '\0' } }), namesField('comment'))
      await assert.rejects(listReviews({ query: { productId: '' } }), namesField('productId'))
      assert.equal((await listReviews({ query: { productId: 'p1' } })).body.total, 0)
    })

    test('that are taken over twice are there once', async () => {
      await using subject = await withProducts(open, 'Brie')
      const take = async () => (await subject.reviews.importReviews({ body: { reviews: [review('r1', 'p1', 3)] } })).body
      assert.deepEqual(
        [await take(), await take()],
        [
          { added: 1, known: 0 },
          { added: 0, known: 1 },
        ],
      )
      assert.equal((await subject.reviews.listReviews({ query: { productId: 'p1' } })).body.total, 1)
    })
  })

  describe(`customers, as ${who} answer for them`, () => {
    test('may spend 100,000.00 on an order, are found by their id, and told about', async () => {
      await using subject = await open()
      const created = await subject.customers.createCustomer({ body: { name: ' Ada ', email: 'ada@example.com' } })
      assert.equal(created.status, 201)
      assert.equal(created.headers['location'], `/api/customers/${created.body.id}`)
      assert.deepEqual([created.body.name, created.body.creditLimitCents], ['Ada', 10_000_000])
      assert.deepEqual((await subject.customers.getCustomer({ params: { id: created.body.id } })).body, created.body)
      assert.deepEqual(
        (await subject.told()).map(({ type, key, sequence, data }) => ({ type, key, sequence, data })),
        [
          {
            type: 'customer.created',
            key: created.body.id,
            sequence: 1,
            data: { customerId: created.body.id, canBeBilled: true, creditLimitCents: 10_000_000 },
          },
        ],
      )
    })

    test('that are taken over twice are there once, and told about once', async () => {
      await using subject = await open()
      const records = [{ id: 'c1', name: 'Ada', email: 'ada@example.com' }]
      const take = async () => (await subject.customers.importCustomers({ body: { customers: records } })).body
      assert.deepEqual(
        [await take(), await take()],
        [
          { added: 1, known: 0 },
          { added: 0, known: 1 },
        ],
      )
      assert.deepEqual(
        (await subject.told()).map(({ type, key }) => [type, key]),
        [['customer.imported', 'c1']],
      )
    })

    test('that are forgotten are nobody from then on, are told about once, and do not come back by an import', async () => {
      await using subject = await withProducts(open, 'Brie')
      const records = [{ id: 'c1', name: 'Ada', email: 'ada@example.com' }]
      await subject.customers.importCustomers({ body: { customers: records } })
      const forget = async () => (await subject.customers.forgetCustomer({ params: { id: 'c1' } })).status
      assert.deepEqual([await forget(), await forget()], [204, 204])
      assert.deepEqual((await subject.customers.importCustomers({ body: { customers: records } })).body, { added: 0, known: 1 })
      await assert.rejects(subject.customers.getCustomer({ params: { id: 'c1' } }), NotFoundError)
      await assert.rejects(
        subject.reviews.writeReview({ body: { productId: 'p1', customerId: 'c1', rating: 4 } }),
        namesField('customerId'),
      )
      await assert.rejects(subject.customers.forgetCustomer({ params: { id: 'c9' } }), NotFoundError)
      assert.deepEqual(
        (await subject.told()).map(({ type, key, sequence, data }) => [type, key, sequence, Object.keys(data as object)]),
        [
          ['customer.imported', 'c1', 1, ['customerId', 'canBeBilled', 'creditLimitCents']],
          ['customer.forgotten', 'c1', 2, ['customerId']],
        ],
      )
    })

    test('without a name or an address are refused, and the field is named', async () => {
      await using subject = await open()
      await assert.rejects(subject.customers.createCustomer({ body: { name: '  ', email: 'ada@example.com' } }), namesField('name'))
      await assert.rejects(subject.customers.createCustomer({ body: { name: 'A\0da', email: 'ada@example.com' } }), namesField('name'))
      await assert.rejects(subject.customers.createCustomer({ body: { name: 'Ada', email: 'ada' } }), namesField('email'))
      await assert.rejects(subject.customers.getCustomer({ params: { id: 'nothing' } }), NotFoundError)
      assert.deepEqual(await subject.told(), [])
    })
  })
}
