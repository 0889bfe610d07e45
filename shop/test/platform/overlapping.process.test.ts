import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { provisionDatabase } from '@seaworthy/postgres'
import { newId } from 'seaworthy/core'
import { outbox } from 'seaworthy/outbox'
import { participant } from 'seaworthy/saga'
import { type PostgresServer, startPostgres } from '@seaworthy/testing/postgres-server'
import { ALWAYS_OWNED } from '../../platform/always-owned.ts'
import { eventually } from '@seaworthy/testing'
import { lockHolder } from '../../platform/lock-holder.ts'
import { PARTS, type ServiceDatabase } from '../../platform/engines/stores.ts'
import { postgresDatabase } from '../../platform/engines/postgres.ts'
import type { ServiceSchema } from '../../platform/tables.ts'
import { catalog } from '../../monolith/application/catalog.ts'
import { takingOver } from '../../monolith/application/taking-over.ts'
import { MONOLITH_SCHEMA } from '../../monolith/adapters/schema.ts'
import { productRepository } from '../../services/catalog/adapters/product-repository.ts'
import { CATALOG_SCHEMA } from '../../services/catalog/adapters/schema.ts'
import { stockReserved } from '../../services/inventory/contract/events.ts'
import { INVENTORY_SCHEMA } from '../../services/inventory/adapters/schema.ts'
import { stockRepository } from '../../services/inventory/adapters/stock-repository.ts'
import { stockKeeping } from '../../services/inventory/application/stock-keeping.ts'
import { orderRepository } from '../../services/orders/adapters/order-repository.ts'
import { ORDERS_SCHEMA } from '../../services/orders/adapters/schema.ts'
import type { Order } from '../../services/orders/domain/order.ts'
import { reviewRepository } from '../../services/reviews/adapters/review-repository.ts'
import { REVIEWS_SCHEMA } from '../../services/reviews/adapters/schema.ts'

let server: PostgresServer
before(async () => {
  server = await startPostgres()
})
after(() => server.stop())

/** A service's database on a server, which closes with the test. */
async function open(name: string, schema: ServiceSchema): Promise<ServiceDatabase & AsyncDisposable> {
  const url = await provisionDatabase({ administrator: server.url('postgres'), name, password: 'secret' })
  const opened = await postgresDatabase({
    url,
    instance: `${name}-1`,
    schema: [schema],
    stores: PARTS,
    signal: new AbortController().signal,
  })
  return { ...opened, [Symbol.asyncDispose]: () => opened.database.close() }
}

suite('where transactions overlap', () => {
  test('whoever publishes waits while the lock is held that a fault takes, and readers do not', async () => {
    await using service = await open('locked', INVENTORY_SCHEMA)
    const { database, stores } = service
    const cleared = new AbortController()
    const holder = lockHolder(database)
    const held = holder(60_000, cleared.signal)
    const waiting = {
      sql: "SELECT relation::regclass::text AS name FROM pg_locks WHERE NOT granted AND mode = 'RowExclusiveLock'",
      params: [],
    }
    const taken = {
      sql: "SELECT 1 FROM pg_locks WHERE granted AND mode = 'ShareLock' AND relation = 'seaworthy_outbox'::regclass",
      params: [],
    }
    await eventually('the lock is taken', async () => (await database.query(taken)).length === 1)
    const publishing = outbox({ store: stores.outbox(), topics: ['inventory'], types: [stockReserved.type] })
    const published = database.transaction((tx) =>
      publishing.add(tx, stockReserved({ reservationId: 'r', orderId: 'o', lines: [{ productId: 'p', quantity: 1 }] })),
    )
    await eventually('the publisher waits', async () =>
      (await database.query<{ name: string }>(waiting)).some(({ name }) => name.includes('seaworthy_outbox')),
    )
    cleared.abort(new Error('cleared'))
    await assert.rejects(held, /cleared/)
    await published
  })

  test('stock is sold as often as there is of it, whoever asks at one time', async () => {
    await using service = await open('inventory', INVENTORY_SCHEMA)
    const { database, stores } = service
    const stock = stockRepository(database)
    await database.transaction((tx) =>
      stock.takeOver(tx, [
        { productId: 'lamp', quantity: 10 },
        { productId: 'rope', quantity: 100 },
      ]),
    )
    const keeping = stockKeeping({
      stock,
      participant: participant({ database, store: stores.participant() }),
      outbox: outbox({ store: stores.outbox() }),
      newId,
    })
    // Half of them name the products in the other order: nobody waits for somebody who waits for them.
    const lines = [
      { productId: 'lamp', quantity: 1 },
      { productId: 'rope', quantity: 1 },
    ]
    const outcomes = await Promise.allSettled(
      Array.from({ length: 30 }, (_, index) =>
        keeping.reserve(`order-${index}/reserve`, { orderId: `order-${index}`, lines: index % 2 === 0 ? lines : lines.toReversed() }),
      ),
    )
    const refusals = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [String(outcome.reason)] : []))
    assert.equal(refusals.length, 20)
    for (const refusal of refusals) assert.match(refusal, /Not enough stock of lamp/)
    assert.deepEqual(await stock.level('lamp'), { productId: 'lamp', onHand: 0, reserved: 10, shipped: 0 })
    assert.deepEqual(await stock.level('rope'), { productId: 'rope', onHand: 90, reserved: 10, shipped: 0 })
  })

  test('a checkout key stands for one order, also when two instances store it at one time', async () => {
    await using service = await open('orders', ORDERS_SCHEMA)
    const { database } = service
    const orders = orderRepository(database)
    const order = (id: string): Order => ({
      id,
      customerId: 'c',
      lines: [],
      totalCents: 100,
      state: { status: 'pending' },
      placedAtMs: 0,
    })
    const bothInserted = Promise.withResolvers<void>()
    let inserting = 0
    const store = (id: string) =>
      database.transaction(async (tx) => {
        if (++inserting === 2) bothInserted.resolve()
        await bothInserted.promise
        if (!(await orders.insert(tx, order(id), { key: 'key', fingerprint: 'f' }))) throw new Error('somebody else was first')
      })
    const outcomes = await Promise.allSettled([store('one'), store('other')])
    assert.deepEqual(outcomes.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected'])
    const kept = await orders.checkoutByKey('key')
    const loser = kept?.orderId === 'one' ? 'other' : 'one'
    assert.equal(await orders.find(loser), undefined)
  })
})

const LOOKED_FOR = [
  { id: '1', name: 'brass Lamp' },
  { id: '2', name: 'Oak 100% wood' },
  { id: '3', name: 'LAMPSHADE' },
  { id: '4', name: 'Anchor' },
].map((product) => ({ ...product, description: '', category: 'deck', priceCents: 100 }))

test('the catalog is searched and sorted there as on embedded storage, in the monolith', async () => {
  await using service = await open('monolith', MONOLITH_SCHEMA)
  const { database, stores } = service
  const taking = takingOver({
    database,
    outbox: outbox({ store: stores.outbox() }),
    owned: { reviews: ALWAYS_OWNED, catalog: ALWAYS_OWNED, customers: ALWAYS_OWNED },
    clock: { now: () => 0 } as never,
  })
  await database.transaction(async (tx) => {
    await taking.products(tx, LOOKED_FOR)
    await taking.reviews(tx, [
      { id: 'r1', productId: '1', author: 'Ada', rating: 5, comment: '', createdAt: '2026-01-01T00:00:00Z' },
      { id: 'r2', productId: '1', author: 'Bob', rating: 4, comment: '', createdAt: '2026-01-01T00:00:00Z' },
    ])
  })
  const products = catalog(database)
  await assertFound(async (text) => (await products.search({ text, page: 1, pageSize: 10 })).items)
  const lamp = await products.product('1')
  assert.deepEqual([lamp.reviewCount, lamp.rating], [2, 4.5])
})

test('and in the service', async () => {
  await using service = await open('catalog', CATALOG_SCHEMA)
  const { database } = service
  const products = productRepository(database)
  await database.transaction(async (tx) => {
    assert.equal(await products.takeOver(tx, LOOKED_FOR), 4)
    for (const rating of [5, 4]) await products.rate(tx, { reviewId: `r${rating}`, productId: '1', rating })
    await products.rate(tx, { reviewId: 'r5', productId: '1', rating: 5 })
  })
  await assertFound(async (text) => (await products.search({ text, page: 1, pageSize: 10 })).items)
  assert.deepEqual((await products.find('1'))?.ratings, { count: 2, sum: 9 })
})

async function assertFound(search: (text: string) => Promise<readonly { readonly name: string }[]>): Promise<void> {
  const names = async (text: string) => (await search(text)).map(({ name }) => name)
  assert.deepEqual(await names('lamp'), ['LAMPSHADE', 'brass Lamp'])
  assert.deepEqual(await names('100%'), ['Oak 100% wood'])
  assert.deepEqual(await names('%'), ['Oak 100% wood'])
}

test('whoever forgets a customer waits there for a review of theirs that is being stored, and takes its name off', async () => {
  await using service = await open('reviewers', REVIEWS_SCHEMA)
  const { database } = service
  const reviews = reviewRepository(database)
  const admitted = Promise.withResolvers<void>()
  const goOn = Promise.withResolvers<void>()
  const writing = database.transaction(async (tx) => {
    assert.equal(await reviews.admit(tx, 'c1'), true)
    admitted.resolve()
    await goOn.promise
    await reviews.add(tx, { id: 'r1', productId: 'lamp', customerId: 'c1', author: 'Ada', rating: 5, comment: '', writtenAtMs: 0 })
  })
  await admitted.promise
  const forgetting = database.transaction((tx) => reviews.forget(tx, 'c1'))
  const waiting = { sql: "SELECT 1 FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'", params: [] }
  await eventually('whoever forgets waits', async () => (await database.query(waiting)).length === 1)
  goOn.resolve()
  await writing
  assert.equal(await forgetting, 1)
  assert.equal(await reviews.signedBy('c1'), 0)
  assert.equal(await database.transaction((tx) => reviews.admit(tx, 'c1')), false)
})

test('reviews that nobody was told of are told once there, whoever tells at one time', async () => {
  await using service = await open('reviews', REVIEWS_SCHEMA)
  const { database } = service
  const reviews = reviewRepository(database)
  const review = { productId: 'lamp', author: 'Ada', rating: 5, comment: '', writtenAtMs: 0 }
  await database.transaction(async (tx) => {
    for (let index = 0; index < 30; index++) await reviews.add(tx, { ...review, id: `r${index}` })
    await tx.execute({ sql: 'UPDATE reviews SET told = 0' })
  })
  const told = await Promise.all(
    Array.from({ length: 4 }, async () => {
      const mine: string[] = []
      for (;;) {
        const batch = await database.transaction((tx) => reviews.takeUntold(tx, 7))
        if (batch.length === 0) return mine
        mine.push(...batch.map(({ id }) => id))
      }
    }),
  )
  assert.equal(told.flat().length, 30)
  assert.equal(new Set(told.flat()).size, 30)
})
