import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { checkout, createCustomer, request } from './client.ts'
import { seaworthy, shopProgram } from './command.ts'
import { type Shop, startShop, until } from './shop.ts'

const WRITERS = 4
/** Whoever asks is kept waiting so long for a process that is away: see the gateway's limits. */
const PATIENCE_MS = 9_000

interface Review {
  readonly id: string
}

/** People who write reviews and look at once at what they have written, and one who buys. Nobody asks twice. */
class Traffic {
  readonly written = new Map<string, string>()
  readonly orders: string[] = []
  readonly failed: string[] = []
  readonly missed: string[] = []
  requests = 0
  #isOver = false
  readonly #all: readonly Promise<void>[]
  readonly #gateway: string

  constructor(gateway: string, customerId: string) {
    this.#gateway = gateway
    this.#all = [...Array.from({ length: WRITERS }, (_, writer) => this.#review(`product-${writer + 1}`)), this.#buy(customerId)]
  }

  async stop(): Promise<void> {
    this.#isOver = true
    await Promise.all(this.#all)
  }

  async #review(productId: string): Promise<void> {
    for (let turn = 0; !this.#isOver; turn++) {
      const written = await this.#ask<Review>('/api/reviews', 201, { productId, rating: 1 + (turn % 5), comment: `In turn ${turn}` })
      if (written === undefined) continue
      this.written.set(written.id, productId)
      for (let look = 0; look < 4; look++) {
        const found = await this.#ask<{ items: readonly Review[] }>(`/api/reviews?productId=${productId}&pageSize=20`, 200)
        if (found !== undefined && !found.items.some(({ id }) => id === written.id)) this.missed.push(`${written.id} of ${productId}`)
      }
    }
  }

  async #buy(customerId: string): Promise<void> {
    while (!this.#isOver) {
      this.requests++
      const { status, body } = await checkout(this.#gateway, { customerId, lines: [{ productId: 'product-9', quantity: 1 }], card: 'ok' })
      if (status === 201) this.orders.push(body.orderId)
      else this.failed.push(`checkout: ${status} ${JSON.stringify(body)}`)
    }
  }

  async #ask<Body>(path: string, expected: number, body?: object): Promise<Body | undefined> {
    this.requests++
    try {
      const answer = await request<Body>(`${this.#gateway}${path}`, body === undefined ? {} : { body })
      if (answer.status === expected) return answer.body
      this.failed.push(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
    } catch (error) {
      this.failed.push(`${path}: ${String(error)}`)
    }
    return undefined
  }
}

/** The commands of `seaworthy gateway` on a running shop. */
function gatewayOf({ dataDir }: Shop) {
  const command = (...args: readonly string[]) => seaworthy(['gateway', ...args, `--data-dir=${dataDir}`])
  const share = async () => {
    const { routes } = JSON.parse(await command('status', '--json')) as { routes: { id: string; sharePercent: number; counts: Counts }[] }
    return routes.find(({ id }) => id === 'reviews')!
  }
  return {
    command,
    share,
    shift: (percent: number) => command('shift', 'reviews', String(percent)),
  }
}

interface Counts {
  readonly requests: { readonly from: number; readonly to: number }
}

async function reviewsOf(url: string, productId: string): Promise<readonly string[]> {
  const ids: string[] = []
  for (let page = 1; ; page++) {
    const { status, body } = await request<{ items: readonly Review[]; total: number }>(
      `${url}/api/reviews?productId=${productId}&page=${page}&pageSize=100`,
    )
    assert.equal(status, 200)
    ids.push(...body.items.map(({ id }) => id))
    if (ids.length >= body.total) return ids
  }
}

/** Every review that was acknowledged is there, once. */
async function assertKept(url: string, written: ReadonlyMap<string, string>): Promise<void> {
  for (const [productId, mine] of Map.groupBy(written.keys(), (id) => written.get(id)!)) {
    const there = await reviewsOf(url, productId)
    assert.equal(new Set(there).size, there.length)
    assert.deepEqual(
      mine.filter((id) => !there.includes(id)),
      [],
      `${productId} at ${url}`,
    )
  }
}

/** What is next moves in the same way. */
async function catalogThereAndBack(shop: Shop): Promise<void> {
  const { command } = gatewayOf(shop)
  const product = async (url: string) => (await request(`${url}/api/products/product-1`)).body
  const total = async (url: string) => (await request<{ total: number }>(`${url}/api/products?q=`)).body.total
  const before = await product(shop.gateway)
  for (const route of ['products', 'product']) assert.match(await command('shift', route, '100'), /0 % → 100 % at catalog/)
  const { httpUrl } = shop.process('catalog')
  // Its ratings come by the events of reviews.
  await until(async () => isDeepStrictEqual(await product(httpUrl), before), {
    timeoutMs: 20_000,
    what: 'the catalog to have every rating',
  })
  assert.deepEqual(await product(shop.gateway), before)
  assert.equal(await total(shop.gateway), await total(shop.process('monolith').httpUrl))
  for (const route of ['products', 'product']) assert.match(await command('rollback', route), /100 % → 0 %/)
  assert.deepEqual(await product(shop.gateway), before)
}

suite('the shop that moves under traffic', () => {
  test(
    'takes reviews out of the monolith and back, and out again, and nobody fails, loses a review, or misses their own',
    { timeout: 300_000 },
    async (t) => {
      const dataDir = mkdtempSync(join(tmpdir(), 'seaworthy-live-'))
      t.after(() => rmSync(dataDir, { recursive: true, force: true }))
      let written: ReadonlyMap<string, string>
      {
        await using shop = await startShop({ dataDir, console: false })
        const { command, share, shift } = gatewayOf(shop)
        assert.ok(!shop.processes().some(({ name }) => name === 'reviews'), 'a stage begins without the service')
        const customerId = await createCustomer(shop.gateway, 'Somebody who buys')
        const traffic = new Traffic(shop.gateway, customerId)
        assert.match(await shift(50), /reviews: 0 % → 50 % at reviews\./)
        await until(async () => (await share()).counts.requests.to > 20, { timeoutMs: 60_000, what: 'requests to the new side' })

        const killedAt = performance.now()
        process.kill(shop.process('reviews').pid!, 'SIGKILL')
        await until(() => shop.process('reviews').restarts === 1 && shop.process('reviews').state === 'ready', {
          timeoutMs: 60_000,
          what: 'the service to be back',
        })
        const awayMs = performance.now() - killedAt
        assert.match(await shift(0), /→ 0 % at reviews/)
        assert.match(await shift(100), /reviews: 0 % → 100 % at reviews/)
        const before = (await share()).counts.requests.to
        await until(async () => (await share()).counts.requests.to > before + 20, { timeoutMs: 60_000, what: 'writes on the new side' })
        assert.match(await command('rollback', 'reviews'), /reviews: 100 % → 0 %/)
        assert.match(await shift(100), /reviews: 0 % → 100 % at reviews/)
        await traffic.stop()
        ;({ written } = traffic)
        t.diagnostic(
          `${traffic.requests} requests, ${written.size} reviews, ${traffic.orders.length} orders; the service was away for ${Math.round(awayMs)} ms`,
        )
        assert.ok(written.size > 20 && traffic.orders.length > 5, 'there was traffic')
        if (awayMs < PATIENCE_MS) assert.deepEqual(traffic.failed, [])
        assert.deepEqual(traffic.missed, [])
        await assertKept(shop.gateway, written)
        await assertKept(shop.process('reviews').httpUrl, written)
        // The monolith is fed, as long as there is a way back to it.
        await until(
          () =>
            assertKept(shop.process('monolith').httpUrl, written).then(
              () => true,
              () => false,
            ),
          {
            timeoutMs: 20_000,
            what: 'the monolith to have everything',
          },
        )
      }

      assert.match(await shopProgram('shop/stages/main.ts', '--to', '1', '--data-dir', dataDir), /The data is at stage 1/)
      assert.deepEqual(JSON.parse(readFileSync(join(dataDir, 'stage.json'), 'utf8')), { embedded: 1 })
      await using shop = await startShop({ dataDir, console: false })
      await assertKept(shop.gateway, written)
      const more = await request<Review>(`${shop.gateway}/api/reviews`, {
        body: { productId: 'product-1', rating: 5, comment: 'After it' },
      })
      assert.equal(more.status, 201)
      const refused = await request(`${shop.process('monolith').httpUrl}/api/reviews`, { body: { productId: 'product-1', rating: 5 } })
      assert.equal(refused.status, 404, 'the monolith has no reviews any more')
      await until(
        async () => {
          const { body } = await request<{ reviewCount: number }>(`${shop.gateway}/api/products/product-1`)
          return body.reviewCount === (await reviewsOf(shop.gateway, 'product-1')).length
        },
        { timeoutMs: 20_000, what: "the monolith's catalog to count every review" },
      )
      await catalogThereAndBack(shop)
    },
  )
})
