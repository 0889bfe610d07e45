import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { constant, rootContext, UnavailableError, UnknownOutcomeError, withContext } from 'seaworthy/core'
import { BrokenCircuitError, guardedFetch, policy, type PolicyDeclaration } from 'seaworthy/resilience'
import { errorOf } from './calls.ts'

const url = 'http://stock.test/items'

/** A server of functions: each request takes the next answer. */
function server(...answers: (Response | Error)[]) {
  const requests: Request[] = []
  const send: typeof fetch = async (input) => {
    const request = new Request(input)
    requests.push(request)
    const answer = answers.shift()
    assert.ok(answer, 'asked once more than there are answers')
    if (answer instanceof Error) throw answer
    return answer
  }
  return { send, requests }
}

function client(declaration: PolicyDeclaration, ...answers: (Response | Error)[]) {
  const { send, requests } = server(...answers)
  const guard = policy(declaration, { name: 'stock' })
  return { get: guardedFetch(guard, { fetch: send }), requests, guard }
}

const retrying: PolicyDeclaration = { retry: { attemptsMax: 3, backoff: constant(0) } }
const ok = () => new Response('chair')
const refused = () => Object.assign(new TypeError('fetch failed'), { cause: { code: 'ECONNREFUSED' } })
const reset = () => Object.assign(new TypeError('fetch failed'), { cause: { code: 'ECONNRESET' } })

describe('a guarded fetch', () => {
  test('answers as fetch does, and asks again after a failed answer or a broken connection', async () => {
    const failed = new Response('a long story', { status: 500 })
    const { get, requests } = client(retrying, failed, reset(), ok())
    assert.equal(await (await get(url, { headers: { accept: 'text/plain' } })).text(), 'chair')
    assert.equal(requests.length, 3)
    assert.ok(failed.bodyUsed, 'the answer that nobody reads keeps its connection')
    assert.equal(requests[2]!.headers.get('accept'), 'text/plain')
    assert.equal(requests[0]!.headers.get('x-seaworthy-retried-by-caller'), '1')
  })

  test('returns the last failed answer, also after others of unknown outcome', async () => {
    const answers = [500, 502, 503].map((status) => new Response('busy', { status }))
    const { get } = client(retrying, ...answers)
    const response = await get(url)
    assert.equal(response.status, 503)
    assert.equal(await response.text(), 'busy')
  })

  test('does not take a client error for a failure', async () => {
    const { get, guard } = client(
      { ...retrying, circuitBreaker: { consecutiveFailures: 1, openMs: 1_000 } },
      new Response('', { status: 404 }),
    )
    assert.equal((await get(url)).status, 404)
    assert.equal(guard.snapshot().circuitBreaker?.state, 'closed')
  })

  test('makes a POST again only if nothing was executed or it has an idempotency key', async () => {
    const post = { method: 'POST', body: '{"sku":"chair"}' }
    const unsafe = client(retrying, new Response('', { status: 500 }))
    assert.equal((await unsafe.get(url, post)).status, 500)
    const notSent = client(retrying, refused(), new Response('', { status: 503 }), ok())
    assert.equal((await notSent.get(url, post)).status, 200)
    const keyed = client(retrying, reset(), ok())
    assert.equal((await keyed.get(url, { ...post, headers: { 'idempotency-key': 'order-1' } })).status, 200)
    assert.equal(await keyed.requests[1]!.text(), post.body)
    assert.ok((await errorOf(client(retrying, reset()).get(url, post))) instanceof UnknownOutcomeError)
  })

  test('is ended by the signal of the call that it serves', async () => {
    const controller = new AbortController()
    const guard = policy({}, { name: 'stock' })
    const sent = Promise.withResolvers<AbortSignal>()
    const get = guardedFetch(guard, {
      fetch: (input) => {
        const { signal } = input as Request
        sent.resolve(signal)
        return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }))
      },
    })
    const outcome = errorOf(withContext(rootContext({ signal: controller.signal }), () => get(url)))
    await sent.promise
    controller.abort(new Error('the client left'))
    assert.match(String(await outcome), /the client left/)
  })

  test('sends a stream once', async () => {
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('pixels'))
        controller.close()
      },
    })
    const { get, requests } = client(retrying, refused())
    const error = await errorOf(get(url, { method: 'PUT', body, duplex: 'half' } as RequestInit))
    assert.ok(error instanceof UnavailableError && error.executed === 'no')
    assert.equal(requests.length, 1)
  })

  test('gives up at once when the server asks for a wait beyond the deadline', async () => {
    const busy = new Response('', { status: 503, headers: { 'retry-after': '60' } })
    const { get, requests } = client({ ...retrying, timeout: { totalMs: 5_000 } }, busy)
    assert.equal((await get(url)).status, 503)
    assert.equal(requests.length, 1)
  })

  test('fails at once while the circuit is open, and with the reason of an abort', async () => {
    const { get } = client({ circuitBreaker: { consecutiveFailures: 1, openMs: 60_000 } }, refused())
    assert.ok((await errorOf(get(url))) instanceof UnavailableError)
    assert.ok((await errorOf(get(url))) instanceof BrokenCircuitError)
    const controller = new AbortController()
    controller.abort(new Error('left'))
    assert.match(String(await errorOf(get(url, { signal: controller.signal }))), /left/)
  })

  test('asks again although the answer before it broke off', async () => {
    const broken = new Response(
      new ReadableStream({
        start(controller) {
          controller.error(new TypeError('terminated'))
        },
      }),
      { status: 503 },
    )
    const { get } = client(retrying, broken, ok())
    assert.equal(await (await get(url)).text(), 'chair')
  })

  test('lets the answer before go, too, when the call ends without another', async () => {
    const failed = new Response('a long story', { status: 500 })
    const { get } = client(
      { retry: { attemptsMax: 3, backoff: constant(0), waitMaxMs: 10 }, circuitBreaker: { consecutiveFailures: 1, openMs: 60_000 } },
      failed,
    )
    assert.ok((await errorOf(get(url))) instanceof UnknownOutcomeError)
    assert.ok(failed.bodyUsed)
  })

  test('tells its receiver who retries, also when the body is a stream that is sent once', async () => {
    const { get, requests } = client(retrying, ok(), ok())
    const send = () => get(url, { method: 'POST', body: new Response('chair').body, duplex: 'half' } as RequestInit)
    await send()
    await withContext(rootContext({ retriedByCaller: true }), send)
    assert.deepEqual(
      requests.map((request) => request.headers.get('x-seaworthy-retried-by-caller')),
      [null, '1'],
    )
  })

  test('ends with the reason of an abort, be it null', async () => {
    const controller = new AbortController()
    const { get } = client({ retry: { attemptsMax: 3, backoff: constant(30_000) } }, new Response('', { status: 503 }))
    const run = errorOf(get(url, { signal: controller.signal }))
    setImmediate(() => controller.abort(null))
    assert.equal(await run, null)
  })
})
