import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { mailTexts } from './books.ts'
import { checkout, createCustomer, request } from './client.ts'
import { shopProgram } from './command.ts'
import { type Shop, startShop, until } from './shop.ts'

const SEEDED_CUSTOMERS = 500
const PRODUCT = 'product-1'

/** What a customer left behind at a stage. */
interface Traces {
  readonly stage: number
  readonly customerId: string
  readonly reviewId: string
  readonly orderId: string
}

interface Listed<Item> {
  readonly items: readonly Item[]
  readonly total: number
}

const body = async <Body>(url: string): Promise<Body> => {
  const answer = await request<Body>(url)
  assert.equal(answer.status, 200, `${url}: ${JSON.stringify(answer.body)}`)
  return answer.body
}

/** Somebody registers, reviews, buys. */
async function visit({ gateway }: Shop, stage: number): Promise<Traces> {
  const customerId = await createCustomer(gateway, `Customer of stage ${stage}`)
  const review = { productId: PRODUCT, customerId, rating: 1 + stage, comment: `At stage ${stage}` }
  const written = await request<{ id: string; author: string }>(`${gateway}/api/reviews`, { body: review })
  assert.deepEqual([written.status, written.body.author], [201, `Customer of stage ${stage}`])
  const bought = await checkout(gateway, { customerId, lines: [{ productId: PRODUCT, quantity: 1 }], card: 'ok' })
  assert.deepEqual([bought.status, bought.body.status], [201, 'completed'])
  return { stage, customerId, reviewId: written.body.id, orderId: bought.body.orderId }
}

/** Everything that everybody has left is there, once. */
async function assertKept(shop: Shop, left: readonly Traces[], reviewsBefore: number): Promise<void> {
  const { gateway } = shop
  const reviews = await body<Listed<{ id: string }>>(`${gateway}/api/reviews?productId=${PRODUCT}&pageSize=100`)
  assert.equal(reviews.total, reviewsBefore + left.length)
  for (const { customerId, reviewId, orderId } of left) {
    assert.equal((await body<{ id: string }>(`${gateway}/api/customers/${customerId}`)).id, customerId)
    assert.ok(reviews.items.some(({ id }) => id === reviewId))
    assert.equal((await body<{ status: string }>(`${gateway}/api/orders/${orderId}`)).status, 'completed')
  }
  await until(
    async () => {
      const { reviewCount } = await body<{ reviewCount: number }>(`${gateway}/api/products/${PRODUCT}`)
      assert.ok(reviewCount <= reviewsBefore + left.length, 'a review counts once')
      const histories = await Promise.all(
        left.map(async ({ customerId, orderId }) => {
          const { items } = await body<Listed<{ orderId: string }>>(`${gateway}/api/customers/${customerId}/orders`)
          return items.length === 1 && items[0]?.orderId === orderId
        }),
      )
      const { customers } = await body<{ customers: number }>(`${gateway}/api/analytics/summary`)
      assert.ok(customers <= SEEDED_CUSTOMERS + left.length, 'a customer counts once')
      return reviewCount === reviewsBefore + left.length && histories.every(Boolean) && customers === SEEDED_CUSTOMERS + left.length
    },
    { timeoutMs: 20_000, what: 'ratings, histories and figures to have everything' },
  )
  const welcomes = () => mailTexts(join(shop.dataDir, 'services', 'notifications')).filter((text) => text.includes('Welcome aboard'))
  await until(() => welcomes().length >= left.length, { timeoutMs: 10_000, what: 'the letters' })
  assert.equal(welcomes().length, left.length, 'everybody is welcomed once')
}

suite('the shop, strangled to the end', () => {
  test('from stage to stage keeps everything, until there is no monolith; and nothing starts where its data is not', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'seaworthy-stages-'))
    try {
      const left: Traces[] = []
      let reviewsBefore = 0
      for (const stage of [0, 1, 2, 3]) {
        if (stage > 0) {
          if (stage === 1) await assert.rejects(startShop({ dataDir, stage }), /is at stage 0, and not at stage 1/)
          const told = await shopProgram('shop/stages/main.ts', '--to', String(stage), '--data-dir', dataDir)
          assert.match(told, new RegExp(`The data is at stage ${stage}`))
        }
        await using shop = await startShop({ dataDir, console: false, ...(stage === 0 && { stage }) })
        if (stage === 0) reviewsBefore = (await body<Listed<object>>(`${shop.gateway}/api/reviews?productId=${PRODUCT}`)).total
        left.push(await visit(shop, stage))
        await assertKept(shop, left, reviewsBefore)
        const names = shop.processes().map(({ name }) => name)
        assert.equal(names.includes('monolith'), stage < 3)
        if (stage === 3) await assertWhole(shop)
      }
    } finally {
      rmSync(dataDir, { recursive: true, force: true })
    }
  })
})

/** What the README says of the shop is true without a monolith, too. */
async function assertWhole(shop: Shop): Promise<void> {
  const { gateway, dataDir } = shop
  assert.equal((await body<{ openApi: string }>(`${gateway}/api`)).openApi, '/api/openapi.json')
  assert.equal((await request(`${gateway}/api/nothing-here`)).status, 404)
  assert.match(await (await fetch(`${gateway}/products/${PRODUCT}`)).text(), /At stage 3/)
  const file = join(dataDir, 'products.json')
  const review = { rating: 4, comment: 'Imported', date: '2025-04-30T09:41:02.053Z', reviewerName: 'Bob' }
  writeFileSync(file, JSON.stringify([{ id: 7, title: 'Sextant', category: 'deck', price: 9.5, stock: 3, reviews: [review] }]))
  assert.match(await shopProgram('shop/import/main.ts', file, '--data-dir', dataDir), /products +1 added, 0 known[^]*reviews +1 added/)
  const found = await body<Listed<{ id: string }>>(`${gateway}/api/products?q=sextant`)
  assert.equal(found.total, 1)
}
