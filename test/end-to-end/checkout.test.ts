import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { after, before, suite, test } from 'node:test'
import { mailTexts, readBooks } from './books.ts'
import { type CheckoutAnswer, checkout, createCustomer, type Product, request } from './client.ts'
import { seaworthy } from './command.ts'
import { type Shop, startShop, until } from './shop.ts'
import { flatten, orphansOf, type OtlpTrace } from './trace.ts'

interface Order {
  readonly orderId: string
  readonly status: string
  readonly totalCents: number
}

const SYNCHRONOUS = ['gateway', 'orders', 'monolith', 'inventory', 'payments', 'shipping']
/** Each handles order.placed and order.completed. */
const CONSUMERS = ['notifications', 'analytics', 'order-history']

suite('a checkout through the gateway', () => {
  let shop: Shop
  let customerId: string
  let product: Product

  before(async () => {
    shop = await startShop()
    customerId = await createCustomer(shop.gateway, 'Ada Lovelace')
    const { body } = await request<{ items: Product[] }>(`${shop.gateway}/api/products?page=1`)
    product = body.items[0]!
  })
  after(() => shop[Symbol.asyncDispose]())

  const order = (card: string, quantity = 1) => ({ customerId, lines: [{ productId: product.id, quantity }], card })
  const services = () => shop.processes().map((process) => process.name)

  test('completes, and order, history, e-mail and figures agree', async () => {
    const answer = await checkout(shop.gateway, order('ok', 2))
    assert.equal(answer.status, 201)
    assert.equal(answer.body.status, 'completed')
    const { body: stored } = await request<Order>(`${shop.gateway}/api/orders/${answer.body.orderId}`)
    assert.equal(stored.status, 'completed')
    assert.equal(stored.totalCents, 2 * product.priceCents)
    // At the first look, because the token of the checkout makes the query wait for it.
    const token = answer.headers.get('consistency-token')!
    const { body: listed } = await request<{ items: Order[] }>(`${shop.gateway}/api/customers/${customerId}/orders`, {
      headers: { 'consistency-token': token },
    })
    const history = listed.items.find((entry) => entry.orderId === answer.body.orderId)
    assert.equal(history?.status, 'completed')
    const { body: statement } = await request<{ items: { orderId: string; amountCents: number }[] }>(
      `${shop.gateway}/api/customers/${customerId}/payments`,
      { headers: { 'consistency-token': token } },
    )
    assert.equal(statement.items.find((payment) => payment.orderId === answer.body.orderId)?.amountCents, stored.totalCents)
    // The two ways to a join come to the same, once shipping's event is there too.
    const both = await until(
      async () => {
        const at = `${shop.gateway}/api/customers/${customerId}/orders`
        const [{ body: read }, { body: composed }] = await Promise.all([request<object>(at), request<object>(`${at}/composed`)])
        return isDeepStrictEqual(read, composed) ? composed : undefined
      },
      { timeoutMs: 10_000, what: 'the read model to be as its sources' },
    )
    assert.match(JSON.stringify(both), /"parcel":"booked"/)
    assert.equal(history.totalCents, stored.totalCents)
    const mail = await until(
      () => mailTexts(join(shop.dataDir, 'services', 'notifications')).find((text) => text.includes(answer.body.orderId)),
      {
        timeoutMs: 10_000,
        what: 'the e-mail',
      },
    )
    assert.match(mail, /^Message-ID: /im)
  })

  test('is one trace over at least six services, asynchronous hops included', async () => {
    const correlationId = `trace-test-${process.pid}`
    const answer = await checkout(shop.gateway, order('ok'), { 'x-correlation-id': correlationId })
    assert.equal(answer.headers.get('x-correlation-id'), correlationId)
    const spans = await until(
      async () => {
        const { body } = await request<{ traces: { traceId: string }[] }>(`${shop.console}/api/traces?correlationId=${correlationId}`)
        const traceId = body.traces[0]?.traceId
        if (traceId === undefined) return undefined
        const found = flatten((await request<OtlpTrace>(`${shop.console}/api/traces/${traceId}`)).body)
        // Each process sends its spans when it pleases: the trace is whole when everybody has, and no span's parent is still to come.
        const names = new Set(found.map((span) => span.service))
        const handled = found.filter((span) => span.kind === 'consumer').map((span) => span.service)
        const isWhole =
          SYNCHRONOUS.every((name) => names.has(name)) &&
          CONSUMERS.every((name) => handled.filter((by) => by === name).length >= 2) &&
          orphansOf(found).length === 0
        return isWhole ? found : undefined
      },
      { timeoutMs: 15_000, what: 'the whole trace in the console' },
    )
    const roots = spans.filter((span) => span.parentSpanId === '')
    assert.deepEqual(
      roots.map((span) => span.service),
      ['gateway'],
    )
    assert.ok(spans.some((span) => span.kind === 'producer' && span.service === 'orders'))
  })

  test('is rejected with the reason when the card is declined, and gives the stock back', async () => {
    const answer = await checkout(shop.gateway, order('declined'))
    assert.equal(answer.status, 201)
    assert.equal(answer.body.status, 'rejected')
    assert.equal(answer.body.reason, 'card-declined')
  })

  test('is bought in the storefront by its forms, and its page says what became of it', async () => {
    const post = (path: string, form: Record<string, string>, cookie = '') =>
      fetch(`${shop.gateway}${path}`, { method: 'POST', redirect: 'manual', headers: { cookie }, body: new URLSearchParams(form) })
    const put = await post('/basket', { productId: product.id, quantity: '1' })
    assert.equal(put.status, 303)
    const cookie = put.headers.getSetCookie()[0]!.split(';')[0]!
    const basket = await (await fetch(`${shop.gateway}/basket`, { headers: { cookie } })).text()
    const key = /name="key" value="([^"]+)"/.exec(basket)![1]!
    const form = { name: 'Katherine Johnson', email: 'katherine@example.com', card: 'ok', key }
    const bought = await post('/checkout', form, cookie)
    assert.equal(bought.status, 303)
    const order = await (await fetch(`${shop.gateway}${bought.headers.get('location')}`)).text()
    assert.match(order, /Paid, and on its way/)
  })

  test('waits out a slow card, under the same key', async () => {
    const answer = await checkout(shop.gateway, order('slow'))
    assert.equal(answer.body.status, 'completed')
  })

  test('is rejected when the stock does not suffice', async () => {
    const answer = await checkout(shop.gateway, order('ok', 100_000))
    assert.equal(answer.status, 201)
    assert.equal(answer.body.status, 'rejected')
    assert.match(answer.body.reason ?? '', /out-of-stock|credit-limit-exceeded/)
  })

  test('under one Idempotency-Key is one order; another body is refused', async () => {
    const key = `key-${process.pid}`
    const first = await checkout(shop.gateway, order('ok'), { 'idempotency-key': key })
    const second = await checkout(shop.gateway, order('ok'), { 'idempotency-key': key })
    assert.equal(second.status, 201)
    assert.equal(second.body.orderId, first.body.orderId)
    const other = await checkout(shop.gateway, order('ok', 3), { 'idempotency-key': key })
    assert.equal(other.status, 422)
  })

  test('whose key is still in flight is told to come back', async () => {
    const key = `flight-${process.pid}`
    const first = checkout(shop.gateway, order('slow'), { 'idempotency-key': key })
    const busy = await until(
      async () => {
        const answer = await checkout(shop.gateway, order('slow'), { 'idempotency-key': key })
        return answer.status === 409 ? answer : undefined
      },
      { timeoutMs: 3_000, what: 'a 409 while the first checkout is in flight' },
    )
    assert.ok(Number(busy.headers.get('retry-after')) >= 1)
    assert.equal((await first).body.status, 'completed')
  })

  test('with bad input names the field and shows no stack', async () => {
    const answer = await request<{ errors: { field: string }[] }>(`${shop.gateway}/api/checkout`, {
      body: { customerId, lines: [{ productId: product.id, quantity: 0 }], card: 'ok' },
    })
    assert.equal(answer.status, 400)
    assert.match(answer.headers.get('content-type') ?? '', /application\/problem\+json/)
    assert.equal(answer.body.errors[0]?.field, 'lines[0].quantity')
    assert.doesNotMatch(JSON.stringify(answer.body), /\bat .*\.ts:/)
    assert.equal((await request(`${shop.gateway}/api/nothing-here`)).status, 404)
    const large = await request(`${shop.gateway}/api/checkout`, { body: JSON.stringify({ customerId, pad: 'x'.repeat(1_100_000) }) })
    assert.equal(large.status, 413)
  })

  for (const name of ['orders', 'monolith'])
    test(`of a restart of ${name} under load: no request fails`, async () => {
      const statuses: number[] = []
      const done = new AbortController()
      const clients = Array.from({ length: 4 }, async () => {
        while (!done.signal.aborted) statuses.push((await checkout(shop.gateway, order('ok'))).status)
      })
      await seaworthy(['restart', name, `--data-dir=${shop.dataDir}`])
      const answered = statuses.length
      await until(() => statuses.length > answered + 8, { timeoutMs: 20_000, what: 'checkouts after the restart' })
      done.abort()
      await Promise.all(clients)
      assert.deepEqual([...new Set(statuses)], [201])
    })

  test('is pending while payments fails because it was told to, and completes once that is cleared', async () => {
    const command = (...args: string[]) => seaworthy([...args, `--data-dir=${shop.dataDir}`])
    await command('fault', 'payments', '--errors=100%')
    const answer = await checkout(shop.gateway, order('ok'))
    const during = await command('status')
    const orders = shop.processes().find((process) => process.name === 'orders')!
    const metrics = await (await fetch(`${orders.httpUrl}/metrics`)).text()
    await command('fault', 'payments', '--clear')
    assert.deepEqual([answer.status, answer.body.status], [201, 'pending'])
    assert.match(during, /payments .*suffers: 100 % errors/)
    assert.match(metrics, /seaworthy_circuit_state\{policy="payments",state="closed"\} [01]/)
    assert.match(metrics, /seaworthy_bulkhead_concurrency_max\{policy="payments"\} 32/)
    await until(
      async () => {
        const { body } = await request<Order>(`${shop.gateway}/api/orders/${answer.body.orderId}`)
        return body.status === 'completed' || undefined
      },
      { timeoutMs: 40_000, what: 'the order that was pending' },
    )
  })

  test('that is slow is answered when everything is stopped meanwhile, and completed by then or the next day', async () => {
    await using own = await startShop()
    const products = (await request<{ items: Product[] }>(`${own.gateway}/api/products`)).body.items
    const buyer = await createCustomer(own.gateway, 'Late')
    const slow = checkout(own.gateway, { customerId: buyer, lines: [{ productId: products[0]!.id, quantity: 1 }], card: 'slow' })
    await until(async () => (await readBooks(own)).orders.some(({ status }) => status === 'pending'), {
      timeoutMs: 5_000,
      what: 'the order',
    })
    const [answer, stoppedInMs] = await Promise.all([slow, own.stop()])
    assert.equal(answer.status, 201)
    assert.ok(stoppedInMs < 5_000, `stopping took ${Math.round(stoppedInMs)} ms`)
    // On a busy machine the time may have been too short for all of its steps.
    if (answer.body.status === 'completed') return
    assert.equal(answer.body.status, 'pending')
    await using tomorrow = await startShop({ dataDir: own.dataDir })
    await until(async () => (await request<Order>(`${tomorrow.gateway}/api/orders/${answer.body.orderId}`)).body.status === 'completed', {
      timeoutMs: 20_000,
      what: 'the order that was pending',
    })
  })

  test('finds every service ready in the console', async () => {
    const { body } = await request<{ services: { name: string; instances: { ready: boolean }[] }[] }>(`${shop.console}/api/services`)
    assert.deepEqual(body.services.map((service) => service.name).toSorted(), services().toSorted())
    assert.ok(body.services.every((service) => service.instances.every((instance) => instance.ready)))
  })

  test('leaves nothing behind when the shop stops, and is there the next day', async () => {
    const { body: last } = await request<CheckoutAnswer>(`${shop.gateway}/api/checkout`, { body: order('ok') })
    const pids = shop.processes().flatMap((process) => (process.pid === null ? [] : [process.pid]))
    const stoppedInMs = await shop.stop()
    assert.ok(stoppedInMs < 5_000, `stopping took ${Math.round(stoppedInMs)} ms`)
    assert.deepEqual(pids.filter(isAlive), [])
    await using tomorrow = await startShop({ dataDir: shop.dataDir })
    assert.equal((await request<Order>(`${tomorrow.gateway}/api/orders/${last.orderId}`)).body.status, 'completed')
  })
})

/** Zombies count as dead. */
function isAlive(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.[0] !== 'Z'
  } catch {
    return false
  }
}
