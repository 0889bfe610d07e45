import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import type { UpstreamPolicy } from '../src/upstream-policy.ts'
import { ask, raw, rawUpstream, type TestUpstream, until, upstream } from './rig.ts'
import { fileOf, stranglerWith, temporaryFolder } from './strangler/rig.ts'

/** A gateway before one upstream with that policy; everything leads to it. */
async function before(t: TestContext, instances: readonly { readonly url: URL }[], policy: UpstreamPolicy) {
  const [{ url }] = instances as [{ url: URL }]
  const file = fileOf(temporaryFolder(t), {
    monolith: url,
    reviews: url,
    upstreams: { monolith: { urls: instances.map((instance) => instance.url.origin), policy } },
    routes: [{ id: 'all', match: { path: '/*' }, from: 'monolith' }],
  })
  return stranglerWith(t, file)
}

const failing = (t: TestContext) => upstream(t, (request, response) => void request.resume().on('end', () => response.writeHead(500).end()))
const get = { path: '/a' }
const backoff = { kind: 'constant', delayMs: 1 } as const

describe("an upstream's policy", () => {
  test('the circuit breaker lets nothing through while it is open, and a probe afterwards', async (t) => {
    let isBroken = true
    const up = await upstream(
      t,
      (request, response) => void request.resume().on('end', () => response.writeHead(isBroken ? 500 : 200).end()),
    )
    const { port, gateway } = await before(t, [up], { circuitBreaker: { consecutiveFailures: 3, openMs: 60 } })
    for (let request = 0; request < 3; request++) assert.equal((await ask(port, get)).status, 500)
    const refused = await ask(port, get)
    assert.deepEqual([refused.status, refused.headers['x-seaworthy-executed'], refused.json['code']], [503, 'no', 'broken-circuit'])
    assert.equal(up.received.length, 3)
    assert.equal(gateway.status().upstreams[0]!.circuitBreaker?.state, 'open')
    isBroken = false
    let status = 503
    const startedMs = performance.now()
    while (status === 503 && performance.now() - startedMs < 5_000) status = (await ask(port, get)).status
    assert.equal(status, 200)
    assert.equal(gateway.status().upstreams[0]!.circuitBreaker?.state, 'closed')
  })

  test('the circuit breaker hears of an upstream that never answers, and not of a client that leaves', async (t) => {
    const up = await upstream(t, (request) => void request.resume())
    const { port, gateway } = await before(t, [up], {
      circuitBreaker: { consecutiveFailures: 2, openMs: 60_000 },
      timeout: { answerMs: 40 },
    })
    for (let client = 0; client < 3; client++) {
      const controller = new AbortController()
      const asked = ask(port, { ...get, signal: controller.signal }).catch(() => 'left')
      await until(() => up.received.length === client + 1, 'it arrives')
      controller.abort()
      assert.equal(await asked, 'left')
    }
    for (let request = 0; request < 2; request++) assert.equal((await ask(port, get)).status, 504)
    assert.equal((await ask(port, get)).json['code'], 'broken-circuit')
    assert.equal(gateway.status().upstreams[0]!.circuitBreaker?.state, 'open')
  })

  test('so many attempts are made, and no more than the budget of retries has tokens for', async (t) => {
    const up = await rawUpstream(t, (socket) => socket.once('data', () => socket.destroy()))
    const attempts = await before(t, [up], { retry: { attemptsMax: 3, backoff } })
    assert.equal((await ask(attempts.port, get)).status, 502)
    assert.equal(up.connections(), 3)
    const other = await rawUpstream(t, (socket) => socket.once('data', () => socket.destroy()))
    const budget = { ratio: 0, minPerSecond: 0.001, tokensMax: 2 }
    const { port } = await before(t, [other], { retry: { attemptsMax: 10, backoff, budget } })
    for (let request = 0; request < 4; request++) assert.equal((await ask(port, get)).status, 502)
    assert.equal(other.connections(), 4 + 2)
  })

  test('the bulkhead is as wide as it says', async (t) => {
    const up = await upstream(t, (request) => void request.resume())
    const { port } = await before(t, [up], { bulkhead: { concurrencyMax: 1 } })
    const controller = new AbortController()
    const running = ask(port, { ...get, signal: controller.signal }).catch(() => 'left')
    await until(() => up.received.length === 1, 'it arrives')
    const refused = await ask(port, get)
    assert.deepEqual([refused.status, refused.json['code']], [503, 'bulkhead-full'])
    controller.abort()
    await running
  })

  test('an instance that fails again and again is ejected, but never so many that too few are left', async (t) => {
    const [bad, worse, good] = [await failing(t), await failing(t), await upstream(t)]
    const { port, gateway } = await before(t, [bad, worse, good], {
      outlier: { consecutiveFailures: 2, ejectMs: 60_000, ejectedShareMax: 0.4 },
    })
    for (let request = 0; request < 20; request++) await ask(port, get)
    const ejected = gateway.status().upstreams[0]!.instances.filter(({ isEjected }) => isEjected)
    assert.equal(ejected.length, 1)
    const first = [bad, worse].find(({ url }) => url.origin === ejected[0]!.url)
    const seen = first!.received.length
    for (let request = 0; request < 10; request++) await ask(port, get)
    assert.equal(first!.received.length, seen)
  })

  test('one that is alone is never ejected', async (t) => {
    const up = await failing(t)
    const { port } = await before(t, [up], { outlier: { consecutiveFailures: 1 } })
    for (let request = 0; request < 3; request++) assert.equal((await ask(port, get)).status, 500)
  })

  test('an instance that says it is not well gets nothing until it says that it is', async (t) => {
    let isWell = false
    const sick = await upstream(t, (request, response) => {
      request.resume()
      response.writeHead(request.url === '/readyz' && !isWell ? 503 : 200).end()
    })
    const well = await upstream(t)
    const healthCheck = { path: '/readyz', intervalMs: 10, unhealthyAfter: 2, healthyAfter: 2 }
    const { port, gateway } = await before(t, [sick, well], { healthCheck })
    const health = () => gateway.status().upstreams[0]!.instances.map(({ isHealthy }) => isHealthy)
    const asked = (up: TestUpstream) => up.received.filter(({ url }) => url === '/a').length
    await until(() => health()[0] === false, 'it is found out')
    const seen = asked(sick)
    for (let request = 0; request < 6; request++) await ask(port, get)
    assert.equal(asked(sick), seen)
    isWell = true
    await until(() => health()[0] === true, 'it is well again')
    for (let request = 0; request < 6; request++) await ask(port, get)
    assert.ok(asked(sick) > seen)
  })

  test('each key may ask as often as it says: more gets 429 with Retry-After', async (t) => {
    const up = await upstream(t)
    const limit = { kind: 'token-bucket', perSecond: 0.01, burst: 2 } as const
    const { port } = await before(t, [up], { rateLimit: { by: { header: 'x-api-key' }, limit } })
    const statusOf = async (key: string) => (await ask(port, { ...get, headers: { 'x-api-key': key } })).status
    assert.deepEqual([await statusOf('a'), await statusOf('a'), await statusOf('a'), await statusOf('b')], [200, 200, 429, 200])
    const refused = await ask(port, { ...get, headers: { 'x-api-key': 'a' } })
    assert.deepEqual([refused.json['code'], refused.headers['x-seaworthy-executed']], ['rate-limited', 'no'])
    assert.ok(Number(refused.headers['retry-after']) > 1)
    assert.equal(up.received.length, 3)
  })

  test('a client is told by its address, and no more of them are remembered than it says', async (t) => {
    const up = await upstream(t)
    const limit = { kind: 'sliding-window', callsMax: 1, windowMs: 60_000 } as const
    const { port } = await before(t, [up], { rateLimit: { by: 'client', limit, keysMax: 1 } })
    assert.deepEqual([(await ask(port, get)).status, (await ask(port, get)).status], [200, 429])
  })

  test('a body is as large as the upstream takes, declared or not', async (t) => {
    const up = await upstream(t)
    const { port } = await before(t, [up], { body: { bytesMax: 10 } })
    assert.equal((await ask(port, { method: 'POST', path: '/a', body: 'x'.repeat(11) })).status, 413)
    assert.equal((await ask(port, { method: 'POST', path: '/a', body: 'x'.repeat(10) })).status, 200)
    const chunked = 'POST /a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nb\r\nhello world\r\n0\r\n\r\n'
    assert.match((await raw(port, chunked)).text, /^HTTP\/1\.1 413 /)
    assert.equal(up.received.length, 1)
  })
})
