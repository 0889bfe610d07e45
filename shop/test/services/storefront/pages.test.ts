import { httpServer } from '@seaworthy/rpc/rest'
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { newId, RejectedError, UnavailableError, UnknownOutcomeError } from 'seaworthy/core'
import { servingPagesOn } from '../../../platform/pages.ts'
import { storefrontPages } from '../../../services/storefront/adapters/http.ts'
import type { OrderView, Product, Purchase, Shop } from '../../../services/storefront/application/ports.ts'
import { storefrontUseCases } from '../../../services/storefront/application/storefront.ts'

const chair: Product = {
  id: 'chair-1',
  name: 'Chair <b>& stool</b>',
  description: 'Four legs.',
  category: 'Furniture',
  priceCents: 4_900,
  reviewCount: 1,
  rating: 4,
}
const review = { author: 'Ada', rating: 4, comment: 'Sits well.', createdAt: '2026-01-02T03:04:05Z' }
const down = async () => {
  throw new UnavailableError('It is down.')
}

/** A shop in which everything works, but for what a test replaces. */
function shopWith(parts: Partial<Shop> = {}): Shop & { readonly bought: Purchase[] } {
  const bought: Purchase[] = []
  const page = <Item>(items: readonly Item[]) => ({ items, page: 1, pageSize: 24, total: items.length })
  return {
    bought,
    products: async () => page([chair]),
    product: async (id) => (id === chair.id ? chair : undefined),
    reviews: async () => page([review]),
    becomeCustomer: async () => ({ customerId: 'customer-1' }),
    buy: async (purchase) => {
      bought.push(purchase)
      return { orderId: 'order-1', status: 'completed' }
    },
    order: async (orderId) => (orderId === 'order-1' ? order('completed') : undefined),
    ...parts,
  }
}

function order(status: OrderView['status'], reason?: string): OrderView {
  const lines = [{ name: chair.name, quantity: 1, priceCents: chair.priceCents }]
  return { orderId: 'order-1', status, ...(reason !== undefined && { reason }), lines, totalCents: 4_900, placedAt: '2026-01-02T03:04:05Z' }
}

/** A browser that keeps its cookies and follows nothing. */
async function browsing(shop: Shop) {
  const server = httpServer({ port: 0 })
  servingPagesOn(server)(storefrontPages({ storefront: storefrontUseCases(shop), newId }))
  await server.start()
  const cookies = new Map<string, string>()
  const send = async (path: string, form?: Record<string, string>, headers: Record<string, string> = {}) => {
    const answer = await fetch(`${server.url}${path}`, {
      redirect: 'manual',
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; '), ...headers },
      ...(form !== undefined && { method: 'POST', body: new URLSearchParams(form) }),
    })
    for (const cookie of answer.headers.getSetCookie()) {
      const [, name = '', value = '', maxAge = ''] = /^([^=]+)=([^;]*); Path=\/; Max-Age=(\d+)/.exec(cookie) ?? []
      if (maxAge === '0') cookies.delete(name)
      else cookies.set(name, value)
    }
    return { status: answer.status, location: answer.headers.get('location'), headers: answer.headers, text: await answer.text() }
  }
  return { cookies, send, [Symbol.asyncDispose]: () => server.drain({ lingerMs: 0 }) }
}

const buyer = { name: 'Ada', email: 'ada@example.com', card: 'ok' }
const keyIn = (page: string) => /name="key" value="([^"]+)"/.exec(page)![1]!

describe('the storefront', () => {
  test('shows products, escapes what they are called, and lets nothing load or run', async () => {
    await using browser = await browsing(shopWith())
    const home = await browser.send('/')
    assert.equal(home.status, 200)
    assert.match(home.text, /Chair &lt;b&gt;&amp; stool&lt;\/b&gt;/)
    assert.match(home.headers.get('content-security-policy')!, /default-src 'none'/)
    assert.match((await browser.send('/?q=%22%3E%3Cscript%3E')).text, /&quot;&gt;&lt;script&gt;/)
    assert.equal((await browser.send('/storefront.css')).headers.get('content-type'), 'text/css; charset=utf-8')
  })

  test('sells a product whose reviews cannot be had', async () => {
    await using browser = await browsing(shopWith({ reviews: down }))
    const page = await browser.send('/products/chair-1')
    assert.equal(page.status, 200)
    assert.match(page.text, /Reviews are not available right now/)
    assert.match(page.text, /Put into the basket/)
  })

  test('shows what it knew last when the catalog is down, and an apology where it knew nothing', async () => {
    const shop = shopWith()
    await using browser = await browsing(shop)
    await browser.send('/products/chair-1')
    Object.assign(shop, { product: down, products: down })
    const stale = await browser.send('/products/chair-1')
    assert.equal(stale.status, 200)
    assert.match(stale.text, /what we knew last/)
    const home = await browser.send('/')
    assert.equal(home.status, 503)
    assert.equal(home.headers.get('retry-after'), '2')
    assert.match(home.text, /does not answer right now/)
  })

  test('says 404 for what is not there', async () => {
    await using browser = await browsing(shopWith())
    assert.equal((await browser.send('/products/none')).status, 404)
    assert.equal((await browser.send('/orders/none')).status, 404)
  })

  test('takes a purchase from the product to the order, under the key of its form', async () => {
    const shop = shopWith()
    await using browser = await browsing(shop)
    assert.equal((await browser.send('/basket', { productId: 'chair-1', quantity: '2' })).location, '/basket')
    const basket = await browser.send('/basket')
    assert.match(basket.text, /€98\.00/)
    const key = keyIn(basket.text)
    const sent = await browser.send('/checkout', { ...buyer, key })
    assert.equal(sent.status, 303)
    assert.equal(sent.location, '/orders/order-1')
    assert.deepEqual(shop.bought, [
      { customerId: 'customer-1', lines: [{ productId: 'chair-1', quantity: 2 }], card: 'ok', idempotencyKey: key },
    ])
    assert.equal(browser.cookies.has('basket'), false)
    assert.match((await browser.send('/orders/order-1')).text, /Paid, and on its way/)
  })

  test('says when it does not know whether something was bought, and asks again under the same key for the same customer', async () => {
    const keys: string[] = []
    let customers = 0
    await using browser = await browsing(
      shopWith({
        becomeCustomer: async () => ({ customerId: `customer-${++customers}` }),
        buy: async ({ idempotencyKey, customerId }) => {
          keys.push(`${customerId} ${idempotencyKey}`)
          if (keys.length === 1) throw new UnknownOutcomeError('The answer was lost.')
          return { orderId: 'order-1', status: 'pending' }
        },
      }),
    )
    await browser.send('/basket', { productId: 'chair-1', quantity: '1' })
    const key = keyIn((await browser.send('/basket')).text)
    const unknown = await browser.send('/checkout', { ...buyer, key })
    assert.equal(unknown.status, 503)
    assert.match(unknown.text, /We do not know yet whether it was ordered/)
    assert.equal(keyIn(unknown.text), key)
    assert.equal((await browser.send('/checkout', { card: 'ok', key })).location, '/orders/order-1')
    assert.deepEqual(keys, [`customer-1 ${key}`, `customer-1 ${key}`])
  })

  test('keeps the basket when ordering is down, and says that nothing was bought', async () => {
    await using browser = await browsing(shopWith({ buy: down }))
    await browser.send('/basket', { productId: 'chair-1', quantity: '1' })
    const answer = await browser.send('/checkout', { ...buyer, key: 'key-12345678' })
    assert.equal(answer.status, 503)
    assert.match(answer.text, /nothing was bought/)
    assert.ok(browser.cookies.has('basket'))
  })

  test('says why an order was refused, and offers another attempt under another key', async () => {
    await using browser = await browsing(
      shopWith({
        buy: async () => {
          throw new RejectedError('card-declined', 'The card was declined.')
        },
      }),
    )
    await browser.send('/basket', { productId: 'chair-1', quantity: '1' })
    const answer = await browser.send('/checkout', { ...buyer, key: 'key-12345678' })
    assert.equal(answer.status, 422)
    assert.match(answer.text, /The card was declined/)
    assert.notEqual(keyIn(answer.text), 'key-12345678')
  })

  test('shows a pending order as accepted and looks again by itself, and a rejected one with its reason', async () => {
    const shop = shopWith({ order: async () => order('pending') })
    await using browser = await browsing(shop)
    const pending = await browser.send('/orders/order-1')
    assert.match(pending.text, /the outcome is pending/)
    assert.match(pending.text, /http-equiv="refresh"/)
    Object.assign(shop, { order: async () => order('rejected', 'card-declined') })
    const rejected = await browser.send('/orders/order-1')
    assert.match(rejected.text, /the card was declined/)
    assert.doesNotMatch(rejected.text, /http-equiv="refresh"/)
  })

  test('takes no form that another site posts', async () => {
    const shop = shopWith()
    await using browser = await browsing(shop)
    await browser.send('/basket', { productId: 'chair-1', quantity: '1' })
    const answer = await browser.send('/checkout', { ...buyer, key: 'key-12345678' }, { 'sec-fetch-site': 'cross-site' })
    assert.equal(answer.status, 403)
    assert.deepEqual(shop.bought, [])
  })

  test('lets a form without a name or an address be filled in, and ignores one that is none of its own', async () => {
    const shop = shopWith()
    await using browser = await browsing(shop)
    await browser.send('/basket', { productId: 'chair-1', quantity: '1' })
    const missing = await browser.send('/checkout', { name: 'Ada', card: 'ok', key: 'key-12345678' })
    assert.equal(missing.status, 400)
    assert.match(missing.text, /value="Ada"/)
    assert.equal((await browser.send('/checkout', { ...buyer, key: 'x' })).location, '/basket')
    assert.deepEqual(shop.bought, [])
  })
})
