import assert from 'node:assert/strict'
import { test } from 'node:test'
import { InvalidInputError, rootContext, systemClock, UnavailableError } from 'seaworthy/core'
import { MONOLITH_SCHEMA } from '../../../monolith/adapters/schema.ts'
import { forgetting as forgettingOfMonolith } from '../../../monolith/application/forgetting.ts'
import { takingOver } from '../../../monolith/application/taking-over.ts'
import { ALWAYS_OWNED } from '../../../platform/always-owned.ts'
import { onceErased } from '../../../platform/forgetting.ts'
import { reviewRepository } from '../../../services/reviews/adapters/review-repository.ts'
import { REVIEWS_SCHEMA } from '../../../services/reviews/adapters/schema.ts'
import { forgetting } from '../../../services/reviews/application/forgetting.ts'
import { reviewing } from '../../../services/reviews/application/reviewing.ts'
import { openServiceDatabase } from '../../service-database.ts'

const owner = { value: false }
/** While the reviews move, one of both may write to them. */
const owned = (isOwner: () => boolean) => ({
  async assertOwned() {
    if (!isOwner()) throw new UnavailableError('Somebody else owns the reviews.')
  },
})
const scrub = async () => []

test('a service that does not own the reviews yet hears of it again, until the change of their owner has come over', async () => {
  await using service = await openServiceDatabase(REVIEWS_SCHEMA)
  const { database } = service
  const reviews = reviewRepository(database)
  const review = { productId: 'lamp', rating: 5, comment: '', writtenAtMs: 0 }
  await database.transaction(async (tx) => {
    await reviews.add(tx, { ...review, id: 'r1', customerId: 'c1', author: 'Ada' })
    await reviews.add(tx, { ...review, id: 'r2', customerId: 'c2', author: 'Grace' })
    await reviews.add(tx, { ...review, id: 'r3', author: 'Ada' })
  })
  owner.value = false
  const people = forgetting({ database, reviews, owned: owned(() => owner.value), scrub })
  await assert.rejects(people.forget('c1'), UnavailableError)
  assert.equal((await people.report('c1')).places[0]?.count, 1)
  // Who wrote nothing is forgotten whoever owns the reviews.
  assert.deepEqual((await people.forget('c9')).report.places, [])
  owner.value = true
  assert.deepEqual((await people.forget('c1')).report.places, [])
  const { items } = await reviews.ofProduct({ productId: 'lamp', page: 1, pageSize: 10 })
  assert.deepEqual(items.map(({ id, author }) => `${id} ${author}`), ['r1 Anonymous', 'r2 Grace', 'r3 Ada']) // prettier-ignore
})

test('a review whose author is forgotten while it is being written is refused, and so is any after it', async () => {
  await using service = await openServiceDatabase(REVIEWS_SCHEMA)
  const { database, outbox } = service
  const reviews = reviewRepository(database)
  const people = forgetting({ database, reviews, owned: ALWAYS_OWNED, scrub })
  let meanwhile = async () => {}
  const useCases = reviewing({
    database,
    reviews,
    catalog: { has: async () => true },
    customers: {
      async nameOf() {
        await meanwhile()
        return 'Ada'
      },
    },
    outbox,
    owned: ALWAYS_OWNED,
    clock: systemClock,
    newId: () => crypto.randomUUID(),
  })
  const review = { productId: 'lamp', customerId: 'c1', rating: 5, comment: '' }
  await useCases.write(review, rootContext())
  meanwhile = async () => void (await people.forget('c1'))
  await assert.rejects(useCases.write(review, rootContext()), InvalidInputError)
  meanwhile = async () => {}
  await assert.rejects(useCases.write(review, rootContext()), InvalidInputError)
  await useCases.write({ ...review, customerId: 'c2' }, rootContext())
  const { items } = await reviews.ofProduct({ productId: 'lamp', page: 1, pageSize: 10 })
  assert.deepEqual(items.map(({ customerId, author }) => `${customerId} ${author}`).toSorted(), ['c1 Anonymous', 'c2 Ada']) // prettier-ignore
})

test('the monolith forgets its customer when it does not own the reviews any more, and leaves those to their owner', async () => {
  await using service = await openServiceDatabase(MONOLITH_SCHEMA)
  const { database, outbox } = service
  await database.transaction(async (tx) => {
    const taking = takingOver({
      database,
      outbox,
      owned: { reviews: ALWAYS_OWNED, catalog: ALWAYS_OWNED, customers: ALWAYS_OWNED },
      clock: systemClock,
    })
    await taking.products(tx, [{ id: 'lamp', name: 'Lamp', description: '', category: 'deck', priceCents: 1 }])
    await taking.customers(tx, [{ id: 'c1', name: 'Ada', email: 'ada@example.com' }])
    const sql = `INSERT INTO reviews (id, product_id, customer_id, author, rating, comment, created_at_ms) VALUES ('r1', 'lamp', 'c1', 'Ada', 5, '', 0)`
    await tx.execute({ sql })
  })
  owner.value = false
  let scrubbed = 0
  const people = forgettingOfMonolith({
    database,
    outbox,
    owned: { reviews: owned(() => owner.value), customers: ALWAYS_OWNED },
    clock: systemClock,
    scrub: async () => (scrubbed++, []),
  })
  const left = { kind: 'other', name: 'reviews', count: 1, form: 'clear' }
  assert.deepEqual((await people.forget('c1')).report.places, [left])
  // It hears its own event: again, until the owner's change has come over, and then it cleans what that left in its files.
  const heard = onceErased(people)
  await assert.rejects(heard.forget('c1'), UnavailableError)
  assert.equal(scrubbed, 1)
  await database.transaction((tx) => tx.execute({ sql: "UPDATE reviews SET author = 'Anonymous'", params: [] }))
  assert.deepEqual((await heard.forget('c1')).report.places, [])
  assert.equal(scrubbed, 2)
  // Where they are its own, it takes the name off itself.
  await database.transaction((tx) => tx.execute({ sql: "UPDATE reviews SET author = 'Ada'", params: [] }))
  owner.value = true
  assert.deepEqual((await people.forget('c1')).report.places, [])
  assert.deepEqual((await service.published('customers')).map(({ type }) => type), ['customer.imported', 'customer.forgotten']) // prettier-ignore
})
