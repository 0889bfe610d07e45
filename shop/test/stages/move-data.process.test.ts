import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { reviewsMapping } from '../../services/reviews/contract/monolith-mapping.ts'
import { sqliteSide, startCutOver } from '@seaworthy/strangler/cut-over'
import { dataDirectoryPaths, hasServiceData } from '@seaworthy/supervisor'
import { eventually } from '@seaworthy/testing'
import { newId, systemClock } from 'seaworthy/core'
import { outbox } from 'seaworthy/outbox'
import { migrate, openSqliteDatabase, openSqliteEventLog, outboxNumbers, type SqliteDatabase } from 'seaworthy/sqlite'
import { customers } from '../../monolith/application/customers.ts'
import { forgetting as forgettingInMonolith } from '../../monolith/application/forgetting.ts'
import { reviews } from '../../monolith/application/reviews.ts'
import { takingOver } from '../../monolith/application/taking-over.ts'
import { monolith } from '../../monolith/composition.ts'
import { ALWAYS_OWNED } from '../../platform/always-owned.ts'
import { movingSchema } from '../../platform/moving-data.ts'
import { sqliteSchema, sqliteStores } from '../../platform/engines/embedded.ts'
import { PARTS } from '../../platform/engines/stores.ts'
import type { ServiceComposition } from '../../platform/service-ports.ts'
import { catalog as catalogService } from '../../services/catalog/composition.ts'
import { customerRepository } from '../../services/customers/adapters/customer-repository.ts'
import { forgetting } from '../../services/customers/application/forgetting.ts'
import { registering } from '../../services/customers/application/registering.ts'
import { customersMapping } from '../../services/customers/contract/monolith-mapping.ts'
import { customers as customersService } from '../../services/customers/composition.ts'
import { reviewRepository } from '../../services/reviews/adapters/review-repository.ts'
import { reviewing } from '../../services/reviews/application/reviewing.ts'
import { reviews as reviewsService } from '../../services/reviews/composition.ts'
import { DataDiffersError } from '../../stages/copy-entities.ts'
import { stageToStart } from '../../stages/data-stage.ts'
import { moveData } from '../../stages/move-data.ts'
import { sendWaiting } from '../../stages/send-waiting.ts'

/** A data directory with a monolith that has three products, two reviews of them, and two customers. */
async function dataOfMonolith(t: TestContext) {
  const dataDir = mkdtempSync(join(tmpdir(), 'seaworthy-move-'))
  t.after(() => rmSync(dataDir, { recursive: true }))
  const paths = dataDirectoryPaths(dataDir)
  mkdirSync(paths.eventLog)
  const hasData = async (service: string) => hasServiceData(paths, service)

  async function during<T>(
    { service, schema, stores = [], ...moving }: ServiceComposition,
    work: (database: SqliteDatabase) => Promise<T>,
  ): Promise<T> {
    mkdirSync(join(paths.services, service.name), { recursive: true })
    const path = join(paths.services, service.name, `${service.name}.db`)
    await using database = await disposable(openSqliteDatabase({ path, durability: 'process-crash' }))
    await migrate(database, sqliteSchema({ schema: [...movingSchema(moving), ...schema], stores: [...PARTS, ...stores] }))
    return await work(database)
  }
  const monolithWorks = <T>(work: (parts: ReturnType<typeof partsOf>) => Promise<T>) =>
    during(monolith(), async (database) => work(partsOf(database)))

  await monolithWorks(async ({ database, taking, people, opinions }) => {
    const product = (id: string, brand?: string) => ({
      id,
      name: `The ${id}`,
      description: '',
      category: 'deck',
      priceCents: 5,
      ...(brand && { brand }),
    })
    await database.transaction(async (tx) => {
      await taking.products(tx, [product('lamp', 'Brass & Co'), product('rope'), product('Öse')])
      await taking.customers(tx, [{ id: 'c1', name: 'Ada', email: 'ada@example.com' }])
    })
    const { id: customerId } = await people.create({ name: 'Grace', email: 'grace@example.com' })
    await opinions.write({ productId: 'lamp', customerId, rating: 5, comment: "It's bright" })
    await opinions.write({ productId: 'Öse', rating: 1, comment: '' })
  })
  return {
    dataDir,
    during,
    monolithWorks,
    rows: (composition: ServiceComposition, sql: string) =>
      during(composition, (database) => database.query<Record<string, unknown>>({ sql })),
    move: (to: number, signal = new AbortController().signal) => moveData({ paths, hasData, to, signal, onStage: () => {} }),
    /** What waits in an outbox goes into the log. */
    async sent(database: SqliteDatabase) {
      const signal = new AbortController().signal
      await sendWaiting({
        topic: 'customers',
        eventLog: paths.eventLog,
        outbox: sqliteStores(database).outbox(),
        clock: systemClock,
        signal,
      })
    },
    stage: () => stageToStart({ stage: undefined, dataDir, storage: 'embedded', hasData }),
    /** The number and the type of each event of a topic, by key, as the log has it. */
    async told(topic: string) {
      const log = await openSqliteEventLog({ directory: paths.eventLog, owns: [] })
      try {
        const found: Record<string, [number, string][]> = {}
        const reader = await log.reader({ topics: [topic], group: 'test' })
        for (const { event } of await reader.poll({ max: 1_000, waitMs: 0 })) (found[event.key] ??= []).push([event.sequence, event.type])
        await reader.close()
        return found
      } finally {
        await log.close()
      }
    },
  }
}

function partsOf(database: SqliteDatabase) {
  const outboxOf = outbox({ store: sqliteStores(database).outbox() })
  const ports = { database, outbox: outboxOf, clock: systemClock, newId }
  const owned = { reviews: ALWAYS_OWNED, catalog: ALWAYS_OWNED, customers: ALWAYS_OWNED }
  return {
    database,
    taking: takingOver({ ...ports, owned }),
    people: customers({ ...ports, owned: owned.customers }),
    opinions: reviews({ ...ports, owned: owned.reviews }),
  }
}

async function disposable(opened: Promise<SqliteDatabase>): Promise<SqliteDatabase & AsyncDisposable> {
  const database = await opened
  return Object.assign(database, { [Symbol.asyncDispose]: () => database.close() })
}

/** A running shop that was moving its reviews, and was stopped at a phase, right after the owner had written. */
async function stageBefore(shop: Awaited<ReturnType<typeof dataOfMonolith>>, phase: 'old' | 'new'): Promise<void> {
  assert.equal(await shop.stage(), 0)
  const comment = `Last, at ${phase}`
  await shop.monolithWorks(({ database: old, opinions }) =>
    shop.during(reviewsService, async (database) => {
      const mapping = reviewsMapping
      const sides = {
        old: await sqliteSide({ mapping, side: 'old', database: old, strayWrites: 'refuse' }),
        new: await sqliteSide({ mapping, side: 'new', database }),
      }
      const cutOver = startCutOver({ mapping, ...sides, limits: { pollMs: 2 } })
      await eventually('the copy is ready', async () => (await cutOver.readiness()).ready)
      if (phase === 'new') await cutOver.switch()
      await cutOver.stop()
      if (phase === 'old') await opinions.write({ productId: 'rope', rating: 2, comment })
      else {
        await database.atomically([
          {
            sql: `INSERT INTO reviews (id, product_id, author, rating, comment, written_at_ms, told) VALUES ('last', 'rope', 'Ada', 2, ?, 1, 1)`,
            params: [comment],
          },
        ])
      }
    }),
  )
}

/** A shop at stage 2 that was moving its customers, and was stopped at a phase, right after their owner had told of somebody new, and of c1 who is forgotten. */
async function customersBetween(shop: Awaited<ReturnType<typeof dataOfMonolith>>, phase: 'old' | 'new'): Promise<string> {
  await shop.move(2)
  return shop.monolithWorks(({ database: old, people }) =>
    shop.during(customersService, async (database) => {
      const mapping = customersMapping
      const sides = {
        old: await sqliteSide({ mapping, side: 'old', database: old, strayWrites: 'refuse' }),
        new: await sqliteSide({ mapping, side: 'new', database }),
      }
      const cutOver = startCutOver({ mapping, ...sides, limits: { pollMs: 2 } })
      await eventually('the copy is ready', async () => (await cutOver.readiness()).ready)
      if (phase === 'new') {
        await shop.sent(old)
        await cutOver.switch()
      }
      await cutOver.stop()
      const ports = { outbox: outbox({ store: sqliteStores(phase === 'new' ? database : old).outbox() }), clock: systemClock }
      const scrub = async () => []
      if (phase === 'old') {
        const owned = { reviews: ALWAYS_OWNED, customers: ALWAYS_OWNED }
        await forgettingInMonolith({ database: old, ...ports, owned, scrub }).forget('c1')
        return (await people.create({ name: 'Linus', email: 'linus@example.com' })).id
      }
      const kept = { database, ...ports, owned: ALWAYS_OWNED, customers: customerRepository(database) }
      await forgetting({ ...kept, scrub }).forget('c1')
      return (await registering({ ...kept, newId }).create({ name: 'Linus', email: 'linus@example.com' })).id
    }),
  )
}

const OPINIONS = 'SELECT product_id, rating, comment FROM reviews ORDER BY product_id'

describe('moving the data of a shop that does not run', () => {
  test('brings all of it to the services, stage by stage, and the events go on where the monolith stopped', async (t) => {
    const shop = await dataOfMonolith(t)
    const [before] = await shop.rows(monolith(), "SELECT id FROM customers WHERE name = 'Grace'")
    const grace = String(before!['id'])
    assert.equal(await shop.move(3), 0)
    assert.equal(await shop.stage(), 3)
    assert.deepEqual(await shop.rows(reviewsService, OPINIONS), [
      { product_id: 'lamp', rating: 5, comment: "It's bright" },
      { product_id: 'Öse', rating: 1, comment: '' },
    ])
    assert.deepEqual(await shop.rows(catalogService, 'SELECT id, brand FROM products ORDER BY id'), [
      { id: 'lamp', brand: 'Brass & Co' },
      { id: 'rope', brand: null },
      { id: 'Öse', brand: null },
    ])
    // What the monolith had not sent yet was sent before anybody else may write to its topic.
    assert.deepEqual(await shop.told('customers'), { c1: [[1, 'customer.imported']], [grace]: [[1, 'customer.created']] })
    await shop.during(customersService, async (database) => {
      assert.equal((await customerRepository(database).find(grace))?.email, 'grace@example.com')
      const store = sqliteStores(database).outbox()
      assert.deepEqual(await store.backlog(), { messages: 0, oldestAtMs: undefined })
      const register = registering({
        database,
        outbox: outbox({ store }),
        owned: ALWAYS_OWNED,
        customers: customerRepository(database),
        clock: systemClock,
        newId,
      })
      // A known one is not told about again; the number after the monolith's is the next.
      assert.equal(await register.takeOver([{ id: 'c1', name: 'Ada', email: 'ada@example.com' }]), 0)
      const numbers = await outboxNumbers(database, { topic: 'customers', after: '', max: 10 })
      assert.deepEqual(
        new Map(numbers.map(({ key, last }) => [key, last])),
        new Map([
          ['c1', 1],
          [grace, 1],
        ]),
      )
    })
  })

  test('tells of the reviews that the monolith told nobody of, each once', async (t) => {
    const shop = await dataOfMonolith(t)
    await shop.move(1)
    const untold = await shop.rows(reviewsService, 'SELECT count(*) AS n FROM reviews WHERE told = 0')
    assert.deepEqual(untold, [{ n: 2 }])
    await shop.during(reviewsService, async (database) => {
      const store = sqliteStores(database).outbox()
      const repository = reviewRepository(database)
      const nobody = { has: async () => true, nameOf: async () => undefined }
      const write = reviewing({
        owned: ALWAYS_OWNED,
        database,
        reviews: repository,
        catalog: nobody,
        customers: nobody,
        outbox: outbox({ store }),
        clock: systemClock,
        newId,
      })
      assert.deepEqual([await write.tellOfUntold(), await write.tellOfUntold()], [2, 0])
      const told = (await store.unsent('reviews', 10)).map(({ event }) => [event.type, event.key, event.sequence])
      assert.deepEqual(
        new Set(told),
        new Set([
          ['review.imported', 'lamp', 1],
          ['review.imported', 'Öse', 1],
        ]),
      )
    })
  })

  test('goes back, too, with what was written meanwhile', async (t) => {
    const shop = await dataOfMonolith(t)
    await shop.move(3)
    const id = await shop.during(customersService, async (database) => {
      const kept = customerRepository(database)
      const ports = {
        database,
        outbox: outbox({ store: sqliteStores(database).outbox() }),
        owned: ALWAYS_OWNED,
        customers: kept,
        clock: systemClock,
        newId,
      }
      return (await registering(ports).create({ name: 'Linus', email: 'linus@example.com' })).id
    })
    assert.equal(await shop.move(0), 3)
    assert.equal(await shop.stage(), 0)
    await shop.monolithWorks(async ({ people, opinions, database }) => {
      assert.equal((await people.customer(id)).name, 'Linus')
      await opinions.write({ productId: 'rope', customerId: id, rating: 3, comment: 'Back' })
      const numbers = await outboxNumbers(database, { topic: 'customers', after: '', max: 10 })
      assert.equal(numbers.find(({ key }) => key === id)?.last, 1, 'the monolith goes on where the service stopped')
    })
    assert.deepEqual((await shop.told('customers'))[id], [[1, 'customer.created']])
    await shop.move(1)
    assert.equal((await shop.rows(reviewsService, OPINIONS)).length, 3)
  })

  test('that is broken off anywhere is at the last stage that was reached, and goes on from there', async (t) => {
    const shop = await dataOfMonolith(t)
    for (let looks = 1; ; looks++) {
      assert.ok(looks < 100, 'it never comes to its end')
      let left = looks
      // Every look at the signal is a place to stop at.
      const stopping = Object.assign(new AbortController().signal, {
        throwIfAborted() {
          if (left-- === 0) throw new Error('broken off')
        },
      })
      const before = await shop.stage()
      const outcome = await shop.move(3, stopping).then(
        () => 'done',
        (error: unknown) => (error as Error).message,
      )
      if (outcome === 'done') break
      assert.equal(outcome, 'broken off')
      assert.ok((await shop.stage()) >= before)
    }
    assert.equal(await shop.stage(), 3)
    assert.equal((await shop.rows(customersService, 'SELECT id FROM customers')).length, 2)
  })

  for (const phase of ['old', 'new'] as const) {
    test(`ends a move that stood at '${phase}' when the shop was stopped, and keeps what its owner wrote last, wherever it is broken off`, async (t) => {
      const shop = await dataOfMonolith(t)
      await stageBefore(shop, phase)
      for (let looks = 1; (await shop.stage()) === 0; looks++) {
        assert.ok(looks < 20, 'it never comes to its end')
        let left = looks
        const stopping = Object.assign(new AbortController().signal, {
          throwIfAborted() {
            if (left-- === 0) throw new Error('broken off')
          },
        })
        await shop.move(1, stopping).catch((error: unknown) => assert.equal((error as Error).message, 'broken off'))
      }
      for (const side of [monolith(), reviewsService]) {
        assert.deepEqual(
          (await shop.rows(side, OPINIONS)).map(({ comment }) => comment),
          ["It's bright", `Last, at ${phase}`, ''],
        )
        const left = "SELECT name FROM sqlite_schema WHERE type = 'trigger' UNION ALL SELECT name FROM seaworthy_cut_over"
        assert.deepEqual(await shop.rows(side, left), [], 'neither side knows of a move')
      }
      assert.equal(await shop.move(0), 1)
      await shop.monolithWorks(({ opinions }) => opinions.write({ productId: 'rope', rating: 3, comment: 'Back' }))
    })
  }

  for (const phase of ['old', 'new'] as const) {
    test(`sends what either owner of customers had not sent when the shop was stopped at '${phase}', and numbers on`, async (t) => {
      const shop = await dataOfMonolith(t)
      const linus = await customersBetween(shop, phase)
      await shop.move(3)
      const told = await shop.told('customers')
      assert.deepEqual(told['c1'], [
        [1, 'customer.imported'],
        [2, 'customer.forgotten'],
      ])
      assert.deepEqual(told[linus], [[1, 'customer.created']])
      const sql = 'SELECT key, last FROM seaworthy_outbox_sequences ORDER BY key'
      const numbers = await shop.rows(customersService, sql)
      assert.deepEqual(await shop.rows(monolith(), sql), numbers)
      assert.deepEqual(numbers.find(({ key }) => key === 'c1')?.['last'], 2)
      for (const side of [monolith(), customersService])
        assert.deepEqual(await shop.rows(side, 'SELECT count(*) AS unsent FROM seaworthy_outbox'), [{ unsent: 0 }])
    })
  }

  test('waits for a move that is on its way back: each side has something that the other has not', async (t) => {
    const shop = await dataOfMonolith(t)
    await stageBefore(shop, 'new')
    await shop.during(reviewsService, (database) =>
      database.atomically([{ sql: "UPDATE seaworthy_cut_over SET phase = 'returning', epoch = epoch + 2" }]),
    )
    await assert.rejects(shop.move(1), /on its way back to the monolith\. Start the shop once more/)
    assert.equal(await shop.stage(), 0)
  })

  test('does not hide a difference: the keys are named, and the data stays where it is', async (t) => {
    const shop = await dataOfMonolith(t)
    await shop.move(1)
    await shop.during(catalogService, (database) =>
      database.transaction((tx) =>
        tx.execute({ sql: "INSERT INTO products (id, name, description, category, price_cents) VALUES ('stray', '', '', '', 1)" }),
      ),
    )
    await assert.rejects(shop.move(3), (error: unknown) => {
      assert.ok(error instanceof DataDiffersError)
      assert.deepEqual(error.keys, ['stray'])
      return true
    })
    assert.equal(await shop.stage(), 1)
  })

  test('is refused where there is nothing to move', async (t) => {
    const dataDir = mkdtempSync(join(tmpdir(), 'seaworthy-move-'))
    t.after(() => rmSync(dataDir, { recursive: true }))
    const moving = moveData({
      paths: dataDirectoryPaths(dataDir),
      hasData: async () => false,
      to: 2,
      signal: new AbortController().signal,
      onStage: () => {},
    })
    await assert.rejects(moving, /no data.*npm start -- --stage 2/)
  })
})
