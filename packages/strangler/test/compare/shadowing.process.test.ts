import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http'
import { type AddressInfo } from 'node:net'
import { constants, getPriority } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createHttpProxy } from '@seaworthy/http-proxy'
import { eventually } from '@seaworthy/testing'
import {
  type MirrorRules,
  reportText,
  SHADOW_HEADER,
  shadowing,
  type ShadowedRoute,
  type ShadowingReport,
} from '../../src/compare/index.ts'

const folder = process.env['SEAWORTHY_SHARED_DATA'] ?? fileURLToPath(new URL('../../../../../shared/data', import.meta.url))
const absent = existsSync(join(folder, 'products.json'))
  ? false
  : `The public data sets are not in ${folder}. Set SEAWORTHY_SHARED_DATA to the folder with products.json and orders.json.`

/** Waits that a test need not sit through; on live traffic they are longer. */
const QUICK = { replayDelaysMs: [0, 15, 15], confirmDelaysMs: [5, 15, 30] }

async function serve(t: TestContext, listener: RequestListener) {
  const received: { readonly url: string; readonly headers: IncomingHttpHeaders }[] = []
  const server = createServer((request, response) => {
    received.push({ url: request.url!, headers: request.headers })
    listener(request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return { url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`), received }
}

const answer =
  (body: (url: string) => unknown): RequestListener =>
  (request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(body(request.url!)))
  }

/** A monolith behind a proxy whose answers are compared with those of a service. */
async function strangling(
  t: TestContext,
  {
    monolith,
    service,
    ...others
  }: { monolith: RequestListener; service: RequestListener } & MirrorRules & Pick<ShadowedRoute, 'limits' | 'rules'>,
) {
  const old = await serve(t, monolith)
  const young = await serve(t, service)
  const defects: unknown[] = []
  const shadow = shadowing({ onDefect: (error) => defects.push(error) })
  shadow.set('all', { monolith: old.url, service: young.url, rules: QUICK, ...others })
  const proxy = createHttpProxy({
    routes: [{ path: '/*', service: 'monolith' }],
    upstreams: new Map([['monolith', old.url]]),
    tap: { bodyBytesMax: 262_144, tapOf: ({ method, target, endToEnd }) => shadow.tapOf('all', { method, target, lines: endToEnd }) },
  })
  const port = await proxy.listen(0)
  t.after(async () => {
    await shadow[Symbol.asyncDispose]()
    await proxy.drain()
  })
  const get = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, init)
    return { status: response.status, text: await response.text() }
  }
  const report = async (): Promise<ShadowingReport> => (await shadow.report(AbortSignal.timeout(5_000)))['all']!
  return { old, young, shadow, defects, get, report }
}

test('real products and orders, served by two programs: what was planted is found, and nothing else', { skip: absent }, async (t) => {
  const read = (file: string) => JSON.parse(readFileSync(join(folder, file), 'utf8'))
  const products = read('products.json') as (Record<string, unknown> & { id: number; price: number; reviews: { date: string }[] })[]
  const { orders } = read('orders.json') as { orders: (Record<string, unknown> & { orderId: number })[] }
  let served = 0
  const program = (change: {
    product?: (product: (typeof products)[number]) => unknown
    order?: (order: (typeof orders)[number]) => unknown
  }) =>
    answer((url) => {
      const id = Number(/\d+/.exec(url)?.[0])
      const meta = { requestId: crypto.randomUUID(), at: new Date().toISOString(), served: ++served }
      if (url.startsWith('/products/')) {
        const product = structuredClone(products[id % products.length]!)
        return { ...meta, product: change.product?.(product) ?? product }
      }
      const order = structuredClone(orders[id % orders.length]!)
      return { ...meta, order: change.order?.(order) ?? order }
    })
  const [first] = Object.entries(orders[0]!).find(([, value]) => Array.isArray(value)) ?? []
  assert.ok(first !== undefined, 'an order has lines')
  const { get, report, defects } = await strangling(t, {
    monolith: program({}),
    service: program({
      product: (product) => ({ ...product, reviews: product.reviews.map((review) => ({ ...review, date: review.date.replace('Z', '') })) }),
      order: (order) => ({ ...order, [first]: (order[first] as unknown[]).slice(0, -1) }),
    }),
  })
  let sent = 0
  await eventually(
    'both defects are found',
    async () => {
      for (let index = 0; index < 10; index++, sent++) {
        const { text } = await get(sent % 2 === 0 ? `/products/${sent % 97}` : `/orders/${sent % 89}`)
        assert.ok(text.length > 0)
      }
      const { endpoints } = await report()
      return endpoints.filter(({ verdicts }) => verdicts.differs > 10).length === 2
    },
    { withinMs: 60_000 },
  )
  const found = await report()
  const fields = found.endpoints.flatMap(({ endpoint, differences }) => differences.map(({ field }) => `${endpoint} ${field}`))
  assert.equal(fields.length, 2, reportText(found))
  assert.ok(fields.includes('GET /products/:id body.product.reviews[].date'), fields.join())
  assert.ok(
    fields.some((field) => field.startsWith(`GET /orders/:id body.order.${first}`)),
    fields.join(),
  )
  assert.deepEqual(found.endpoints.flatMap(({ noise }) => noise.map(({ field }) => field)).toSorted(), [
    'body.at',
    'body.at',
    'body.requestId',
    'body.requestId',
    'body.served',
    'body.served',
  ])
  assert.equal(found.counts.lastFailure, undefined)
  assert.deepEqual(defects, [])
})

test('the service gets no more than a safe copy of what asks for nothing to be changed', async (t) => {
  const same = answer((url) => ({ url: url.length }))
  const { young, get, report } = await strangling(t, { monolith: same, service: same })
  await get('/things/1', { method: 'POST', body: 'x', headers: { 'idempotency-key': 'k' } })
  await get('/things/1', { headers: { authorization: 'Bearer secret' } })
  const headers = { 'idempotency-key': 'k', 'if-none-match': '"x"', 'accept-language': 'de' }
  await eventually(
    'the service is asked',
    async () => {
      await get('/things/2', { headers })
      return young.received.length > 0
    },
    { withinMs: 15_000 },
  )
  for (const { headers } of young.received) {
    assert.equal(headers[SHADOW_HEADER], '1')
    assert.equal(headers['accept-language'], 'de')
    for (const name of ['idempotency-key', 'authorization', 'if-none-match', 'x-forwarded-for'])
      assert.equal(headers[name], undefined, name)
  }
  const { mirror } = await report()
  assert.equal(mirror.unsafe, 1)
  assert.equal(mirror.withCredentials, 1)
})

test('a service that hangs or is away costs its clients nothing: no more than so many requests wait for it', async (t) => {
  let hung = 0
  const { get, report } = await strangling(t, {
    monolith: answer(() => ({ a: 1 })),
    service: () => void hung++,
    limits: { concurrencyMax: 2, queueMax: 4, timeoutMs: 10_000 },
  })
  for (let index = 0; index < 300; index++) assert.equal((await get(`/things/${index % 7}`)).status, 200)
  await eventually(
    'the service hangs',
    async () => {
      await get('/things/1')
      return hung >= 2
    },
    { withinMs: 15_000 },
  )
  for (let index = 0; index < 50; index++) assert.equal((await get('/things/1')).status, 200)
  assert.equal(hung, 2)
  const { counts, mirror } = await report()
  assert.ok(counts.waiting <= 4 && counts.running <= 2, JSON.stringify(counts))
  assert.ok(mirror.droppedBusy > 0, JSON.stringify(mirror))
})

test('a comparison that runs out of memory ends, is told and started anew, and clients notice nothing', async (t) => {
  const large = `[${'[],'.repeat(80_000)}[]]`
  const old = await serve(t, (_request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(large)
  })
  const defects: unknown[] = []
  // However long it takes to offer all of it.
  await using shadow = shadowing({ onDefect: (error) => defects.push(error), heapMbMax: 24, turnMsMax: 60_000 })
  shadow.set('all', { monolith: old.url, service: old.url, limits: { replaysPerSecondMax: 1_000 } })
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
  const offer = (name: string) =>
    shadow.tapOf('all', { method: 'GET', target: `/${name}`, lines: '' })?.({
      status: 200,
      lines: 'content-type: application/json\r\n',
      body: Buffer.from(large),
    })
  for (let round = 0; round < 4; round++) for (const name of names) offer(name)
  await eventually('it is told', () => defects.length > 0, { withinMs: 30_000 })
  assert.match(String(defects[0]), /memory/i)
  shadow.remove('all')
  await eventually(
    'it was started anew',
    () =>
      shadow.report(AbortSignal.timeout(1_000)).then(
        () => true,
        () => false,
      ),
    { withinMs: 20_000 },
  )
})

test('a route that cannot be compared is refused with what is wrong', async () => {
  await using shadow = shadowing()
  const url = new URL('http://127.0.0.1:1')
  const set = (route: object) => shadow.set('r', { monolith: url, service: url, ...route })
  assert.throws(() => set({ share: 2 }), /Route r cannot be compared: share is 2/)
  assert.throws(() => set({ service: new URL('https://x.example/a') }), /https:\/\/x\.example\/a is not http/)
  assert.throws(() => set({ limits: { queueMax: 0 } }), /queueMax is 0/)
})

const withoutPriorities = process.platform === 'linux' ? false : 'Linux alone has a priority for each thread.'

test('the thread that compares gives way to the proxy, and to that alone', { skip: withoutPriorities }, async () => {
  const ofThreads = () => readdirSync('/proc/self/task').map((thread) => getPriority(Number(thread)))
  const before = Math.max(...ofThreads())
  await using shadow = shadowing()
  await shadow.report(AbortSignal.timeout(10_000))
  const lower = ofThreads().filter((priority) => priority > before)
  assert.deepEqual(lower, before < constants.priority.PRIORITY_BELOW_NORMAL ? [constants.priority.PRIORITY_BELOW_NORMAL] : [])
})
