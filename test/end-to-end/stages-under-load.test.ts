import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, suite, test } from 'node:test'
import { control, type ControlRequest } from '@seaworthy/supervisor'
import { checkout, createCustomer, request } from './client.ts'
import { shopProgram } from './command.ts'
import { assertSettled, moveCustomers, Newcomers } from './newcomers.ts'
import { type Shop, startShop } from './shop.ts'

const PRODUCT = 'product-1'
/** The stage at which it has nothing but customers. */
const LAST_OF_MONOLITH = 2
/** What orders asks of others it asks for so long. */
const PATIENCE_MS = 4_000

/** Whoever has a part in a checkout, at a stage. */
const servicesOf = (stage: number) => [
  'orders',
  'inventory',
  'payments',
  'shipping',
  'storefront',
  ...(stage < 3 ? ['monolith'] : ['catalog', 'customers']),
]

/** People who buy one thing after another, each by a way of their own, and take no answer but an order. */
class Buyers {
  readonly orders = new Map<string, string>()
  readonly failed: string[] = []
  readonly #gateway: string
  readonly #customerId: string
  #isOver = false
  readonly #all: readonly Promise<void>[]

  constructor(gateway: string, customerId: string) {
    this.#gateway = gateway
    this.#customerId = customerId
    // Nobody's keys come again at another stage of the same shop.
    const own = (name: string) => `${customerId}-${name}`
    this.#all = [this.#buy(own('program'), (key) => this.#byApi(key)), this.#buy(own('browser'), (key) => this.#byPage(key))]
  }

  async stop(): Promise<void> {
    this.#isOver = true
    await Promise.all(this.#all)
  }

  /** A purchase that failed is asked for again, under its key. */
  async #buy(name: string, by: (key: string) => Promise<string | undefined>): Promise<void> {
    for (let turn = 0; !this.#isOver;) {
      const order = await by(`${name}-${turn}`)
      if (order !== undefined) this.orders.set(`${name}-${turn++}`, order)
    }
  }

  async #byApi(key: string): Promise<string | undefined> {
    const order = { customerId: this.#customerId, lines: [{ productId: PRODUCT, quantity: 1 }], card: 'ok' }
    const { status, body } = await checkout(this.#gateway, order, { 'idempotency-key': key })
    if (status === 201) return body.orderId
    this.failed.push(`${key}: ${status} ${JSON.stringify(body)}`)
    return undefined
  }

  async #byPage(key: string): Promise<string | undefined> {
    const answer = await fetch(`${this.#gateway}/checkout`, {
      method: 'POST',
      redirect: 'manual',
      headers: { cookie: `basket=${PRODUCT}:1; customer=${this.#customerId}` },
      body: new URLSearchParams({ key, card: 'ok' }),
    })
    const text = await answer.text()
    const [, order] = /^\/orders\/(.+)$/.exec(answer.headers.get('location') ?? '') ?? []
    if (answer.status === 303 && order !== undefined) return order
    this.failed.push(`${key}: ${answer.status} ${/role="alert"[^>]*>([^<]*)/.exec(text)?.[1] ?? text.slice(0, 200)}`)
    return undefined
  }
}

/** Each is replaced, and one of them gets more instances and fewer, while people register and buy; and from the last stage of the monolith customers leave it. */
async function changedUnderLoad(shop: Shop, stage: number): Promise<string> {
  const { gateway, dataDir } = shop
  const customerId = await createCustomer(gateway, 'Somebody who goes on')
  const buyers = new Buyers(gateway, customerId)
  const newcomers = new Newcomers(gateway, `Stage${stage}`, buyers.failed)
  const slow: string[] = []
  const changed = async (request: ControlRequest, isAway: boolean) => {
    const [before, startedAt] = [buyers.failed.length, performance.now()]
    await control(request, { dataDir, signal: AbortSignal.timeout(120_000) })
    const tookMs = performance.now() - startedAt
    const failed = buyers.failed.slice(before)
    // A machine that takes longer for a start than anybody waits for it shows nothing.
    if (isAway && tookMs > PATIENCE_MS) slow.push(`${JSON.stringify(request)} took ${Math.round(tookMs)} ms, ${failed.length} failed`)
    else assert.deepEqual(failed, [], JSON.stringify(request))
  }
  try {
    for (const service of servicesOf(stage)) await changed({ command: 'restart', service }, true)
    // There is always one that is at work.
    for (const count of [3, 1]) await changed({ command: 'scale', service: 'storefront', count }, false)
    if (stage === LAST_OF_MONOLITH) {
      const before = buyers.failed.length
      await moveCustomers(shop, newcomers)
      assert.deepEqual(buyers.failed.slice(before), [], 'while customers moved')
    }
  } finally {
    await Promise.all([buyers.stop(), newcomers.stop()])
  }
  const answering = stage === LAST_OF_MONOLITH ? ['monolith', 'customers'] : [stage < LAST_OF_MONOLITH ? 'monolith' : 'customers']
  await assertSettled(
    dataDir,
    answering.map((name) => shop.process(name).httpUrl),
    newcomers,
  )
  const { orders } = buyers
  assert.ok(orders.size > 10, 'people bought')
  assert.equal(new Set(orders.values()).size, orders.size)
  const { body } = await request<{ total: number }>(`${gateway}/api/customers/${customerId}/orders/composed`)
  assert.equal(body.total, orders.size, 'each purchase is one order')
  return [`stage ${stage}: ${orders.size} orders, ${newcomers.known.length} newcomers`, ...slow].join('; ')
}

suite('the shop at each of its stages', () => {
  // Of the last two: between them customers leave, and nothing of what was written while they moved is lost.
  const shared = mkdtempSync(join(tmpdir(), 'seaworthy-stages-'))
  after(() => rmSync(shared, { recursive: true, force: true }))
  for (const stage of [0, 1, 2, 3])
    test(`has every part of a checkout replaced at stage ${stage}, and more and fewer instances of one, while people buy`, async (t) => {
      if (stage > LAST_OF_MONOLITH) await shopProgram('shop/stages/main.ts', '--to', String(stage), '--data-dir', shared)
      await using shop = await startShop({ stage, console: false, ...(stage >= LAST_OF_MONOLITH && { dataDir: shared }) })
      t.diagnostic(await changedUnderLoad(shop, stage))
    })
})
