import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { describe, test, type TestContext } from 'node:test'
import { guarded } from '@seaworthy/integrations/undici'
import { VirtualClock } from '@seaworthy/testing'
import { type Clock, constant, rootContext, systemClock, UnavailableError, UnknownOutcomeError, withContext } from 'seaworthy/core'
import { BrokenCircuitError, BulkheadFullError, keyed, policy, type PolicyDeclaration } from 'seaworthy/resilience'
import type * as undici from 'undici'
import { until } from './way-in.ts'

async function listen(
  t: TestContext,
  handler: (request: IncomingMessage, response: ServerResponse) => void | Promise<void>,
): Promise<string> {
  const server = createServer((request, response) => void handler(request, response))
  server.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** A server of functions: each request takes the next answer. */
async function answering(t: TestContext, ...answers: ((response: ServerResponse, request: IncomingMessage) => void)[]) {
  const requests: { readonly headers: IncomingMessage['headers']; readonly body: string }[] = []
  const url = await listen(t, async (request, response) => {
    const answer = answers.shift()
    assert.ok(answer, 'asked once more than there are answers')
    requests.push({ headers: request.headers, body: Buffer.concat(await request.toArray()).toString() })
    answer(response, request)
  })
  return { url, requests }
}

const retrying: PolicyDeclaration = { retry: { attemptsMax: 3, backoff: constant(1) } }
const ok = (response: ServerResponse) => void response.end('chair')
const failed =
  (status: number, text = 'busy') =>
  (response: ServerResponse) =>
    void response.writeHead(status).end(text)
const reset = (_: ServerResponse, { socket }: IncomingMessage) => void socket.destroy()
const errorOf = (promise: Promise<unknown>) =>
  promise.then(
    () => assert.fail('it succeeded'),
    (error: unknown) => error,
  )

/** What a guarded dispatcher does, whichever version of undici it is a dispatcher of. */
export function suiteOf(version: string, { Agent, fetch: undiciFetch, request }: Pick<typeof undici, 'Agent' | 'fetch' | 'request'>): void {
  describe(`a guarded dispatcher of ${version}`, () => {
    function dispatcher(t: TestContext, declaration: PolicyDeclaration, options: { clock?: Clock; connections?: number } = {}) {
      const { clock = systemClock, connections = null } = options
      const perOrigin = keyed((origin) => policy(declaration, { name: origin, clock }), { keysMax: 10 })
      const agent = new Agent({ connections })
      t.after(() => agent.destroy())
      const client: undici.Dispatcher = agent.compose(guarded((origin) => perOrigin.of(origin)))
      return { client, policyOf: (url: string) => perOrigin.of(url) }
    }

    test('answers as before, and asks again after a failed answer or a broken connection', async (t) => {
      // On one connection: an answer that nobody reads must not keep it.
      const { client } = dispatcher(t, retrying, { connections: 1 })
      const { url, requests } = await answering(t, failed(500), failed(500, 'a long story'.repeat(20_000)), ok, reset, ok)
      const response = await request(url, { dispatcher: client, headers: { accept: 'text/plain' } })
      assert.equal(await response.body.text(), 'chair')
      assert.equal(requests.length, 3)
      assert.equal(requests[2]!.headers.accept, 'text/plain')
      assert.equal(requests[0]!.headers['x-seaworthy-retried-by-caller'], '1')
      const another = await request(url, { dispatcher: client })
      assert.equal(await another.body.text(), 'chair')
      assert.equal(requests.length, 5)
    })

    test('works for fetch too', async (t) => {
      const { client } = dispatcher(t, retrying)
      const { url } = await answering(t, failed(503), ok)
      const response = await undiciFetch(url, { dispatcher: client })
      assert.equal(response.status, 200)
      assert.equal(await response.text(), 'chair')
    })

    test('delivers the last failed answer as it came, with a body or without, also after others of unknown outcome', async (t) => {
      const { client } = dispatcher(t, retrying)
      const large = 'x'.repeat(300_000)
      const { url } = await answering(t, failed(500), failed(502), failed(503, large), failed(500), failed(500), failed(500, ''))
      const response = await request(url, { dispatcher: client })
      assert.equal(response.statusCode, 503)
      assert.equal(await response.body.text(), large)
      const empty = await undiciFetch(url, { dispatcher: client })
      assert.equal(empty.status, 500)
      assert.equal(await empty.text(), '')
    })

    test('does not take a client error for a failure', async (t) => {
      const { client, policyOf } = dispatcher(t, { circuitBreaker: { consecutiveFailures: 1, openMs: 60_000 } })
      const { url } = await answering(t, failed(404))
      const response = await request(url, { dispatcher: client })
      assert.equal(response.statusCode, 404)
      await response.body.dump()
      assert.equal(policyOf(url).snapshot().circuitBreaker?.state, 'closed')
    })

    test('makes a POST again only if nothing was executed or it has an idempotency key', async (t) => {
      const { client } = dispatcher(t, retrying)
      const { url, requests } = await answering(t, failed(500), failed(503), ok, reset, ok, reset)
      const post = { dispatcher: client, method: 'POST', body: '{"sku":"chair"}' } as const
      const status = async (options: Parameters<typeof request>[1]) => {
        const { statusCode, body } = await request(url, options)
        await body.dump()
        return statusCode
      }
      assert.equal(await status(post), 500)
      assert.equal(await status(post), 200)
      assert.equal(await status({ ...post, headers: ['Idempotency-Key', 'order-1'] }), 200)
      assert.equal(requests.length, 5)
      assert.equal(requests[4]!.body, post.body)
      assert.ok((await errorOf(request(url, post))) instanceof UnknownOutcomeError)
    })

    test('sends a stream once, as it comes', async (t) => {
      const { client } = dispatcher(t, retrying)
      const { promise: firstArrived, resolve: arrived } = Promise.withResolvers<string>()
      let asked = 0
      const url = await listen(t, (incoming, response) => {
        asked++
        incoming.once('data', (chunk: Buffer) => arrived(chunk.toString()))
        incoming.resume().once('end', () => failed(503)(response))
      })
      let sent = 0
      async function* pixels() {
        sent++
        yield Buffer.from('first')
        assert.equal(await firstArrived, 'first')
        yield Buffer.from('last')
      }
      const response = await request(url, { dispatcher: client, method: 'PUT', body: Readable.from(pixels()) })
      assert.equal(response.statusCode, 503)
      await response.body.dump()
      assert.deepEqual({ sent, asked }, { sent: 1, asked: 1 })
    })

    test('tells its receiver who retries, also when the body is a stream that is sent once', async (t) => {
      const { client } = dispatcher(t, retrying)
      const { url, requests } = await answering(t, ok, ok)
      const send = async () => {
        const { body } = await request(url, { dispatcher: client, method: 'PUT', body: Readable.from(['chair']) })
        await body.dump()
      }
      await send()
      await withContext(rootContext({ retriedByCaller: true }), send)
      const told = requests.map(({ headers }) => headers['x-seaworthy-retried-by-caller'])
      assert.deepEqual(told, [undefined, '1'])
    })

    test('streams an answer as it comes, and frees its place at the headers', async (t) => {
      const { client, policyOf } = dispatcher(t, { bulkhead: { concurrencyMax: 1 }, timeout: { attemptMs: 60_000 } })
      const { promise: gate, resolve: open } = Promise.withResolvers<void>()
      const url = await listen(t, async (_request, response) => {
        response.write('first')
        await gate
        response.end('last')
      })
      const { body } = await request(url, { dispatcher: client })
      const chunks = body[Symbol.asyncIterator]()
      assert.equal(String((await chunks.next()).value), 'first')
      await until('the place is free', () => policyOf(url).snapshot().bulkhead!.running === 0)
      open()
      assert.equal(String((await chunks.next()).value), 'last')
      assert.equal((await chunks.next()).done, true)
    })

    test('waits as long as the server asks, and gives up at once when that is beyond the deadline', async (t) => {
      const clock = new VirtualClock()
      const { client, policyOf } = dispatcher(t, { ...retrying, timeout: { totalMs: 30_000 } }, { clock })
      const soon = (response: ServerResponse) => void response.writeHead(503, { 'retry-after': '10' }).end()
      const late = (response: ServerResponse) => void response.writeHead(503, { 'retry-after': '60' }).end()
      const { url, requests } = await answering(t, soon, ok, late)
      const first = request(url, { dispatcher: client })
      await until('it waits', () => policyOf(url).snapshot().retries === 1)
      await clock.advance(9_999)
      assert.equal(requests.length, 1)
      await clock.advance(1)
      const good = await first
      assert.equal(good.statusCode, 200)
      await good.body.dump()
      const response = await request(url, { dispatcher: client })
      assert.equal(response.statusCode, 503)
      await response.body.dump()
    })

    test('leaves a failed answer on its connection while it waits to ask again', async (t) => {
      const { client, policyOf } = dispatcher(t, { retry: { attemptsMax: 2, backoff: constant(60_000) } })
      let isSent = false
      const url = await listen(t, (incoming, response) => {
        if (incoming.url === '/small') ok(response)
        else
          response
            .once('finish', () => (isSent = true))
            .writeHead(500)
            .end(Buffer.alloc(50_000_000))
      })
      const controller = new AbortController()
      const outcome = errorOf(request(url, { dispatcher: client, signal: controller.signal }))
      await until('it waits', () => policyOf(url).snapshot().retries === 1)
      // As many turns as it would take to read all of it.
      for (let times = 0; times < 50; times++) await (await request(`${url}/small`, { dispatcher: client })).body.text()
      assert.equal(isSent, false)
      controller.abort(new Error('left'))
      await outcome
    })

    test('keeps in order what comes although it was told to pause', async () => {
      const events: string[] = []
      const over = Promise.withResolvers<void>()
      const controller = { pause: () => {}, resume: () => {}, abort: () => {} } as unknown as undici.Dispatcher.DispatchController
      const dispatch = guarded(() => policy({}, { name: 'stock' }))((_options, handler) => {
        handler.onRequestStart?.(controller, {})
        handler.onResponseStart?.(controller, 503, {}, 'Service Unavailable')
        for (const text of ['one', 'two']) handler.onResponseData?.(controller, Buffer.from(text))
        handler.onResponseEnd?.(controller, {})
        return true
      })
      dispatch(
        { origin: 'http://stock.test', path: '/', method: 'GET' },
        {
          onRequestStart: () => void events.push('request'),
          onResponseStart: (_controller, status) => void events.push(`start ${status}`),
          onResponseData: (_controller, chunk) => void events.push(String(chunk)),
          onResponseEnd: () => {
            events.push('end')
            over.resolve()
          },
          onResponseError: (_controller, error) => over.reject(error),
        },
      )
      await over.promise
      assert.deepEqual(events, ['request', 'start 503', 'one', 'two', 'end'])
    })

    test('keeps a breaker for each origin', async (t) => {
      const { client } = dispatcher(t, { circuitBreaker: { consecutiveFailures: 1, openMs: 60_000 } })
      const gone = await answering(t, reset)
      const well = await answering(t, ok)
      assert.ok((await errorOf(request(gone.url, { dispatcher: client }))) instanceof UnknownOutcomeError)
      const error = await errorOf(request(gone.url, { dispatcher: client }))
      assert.ok(error instanceof BrokenCircuitError && error.executed === 'no')
      const response = await request(well.url, { dispatcher: client })
      assert.equal(await response.body.text(), 'chair')
    })

    test('says that nothing was sent when nobody listens', async (t) => {
      const { client } = dispatcher(t, {})
      const { promise, resolve } = Promise.withResolvers<string>()
      const server = createServer().listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))
      const url = await promise
      await new Promise((done) => server.close(done))
      const error = await errorOf(request(url, { dispatcher: client }))
      assert.ok(error instanceof UnavailableError && error.executed === 'no', String(error))
    })

    test('an abort ends a request that waits for a place, for another attempt, or for its answer', async (t) => {
      const { client, policyOf } = dispatcher(t, {
        bulkhead: { concurrencyMax: 1, queueMax: 5 },
        retry: { attemptsMax: 2, backoff: constant(60_000) },
      })
      let asked = 0
      const url = await listen(t, (_request, response) => {
        if (asked++ > 0) failed(503)(response)
      })
      const aborted = async (isThere: () => boolean) => {
        const controller = new AbortController()
        const outcome = errorOf(request(url, { dispatcher: client, signal: controller.signal }))
        await until('it waits', isThere)
        return { controller, outcome }
      }
      const bulkhead = () => policyOf(url).snapshot().bulkhead!
      const answer = await aborted(() => asked === 1)
      const place = await aborted(() => bulkhead().queued === 1)
      place.controller.abort(new Error('left the queue'))
      assert.match(String(await place.outcome), /left the queue/)
      assert.equal(bulkhead().queued, 0)
      answer.controller.abort(new Error('left'))
      assert.match(String(await answer.outcome), /left/)
      await until('its place is free', () => bulkhead().running === 0)
      const backOff = await aborted(() => policyOf(url).snapshot().retries === 1)
      backOff.controller.abort(new Error('left the back-off'))
      assert.match(String(await backOff.outcome), /left the back-off/)
    })

    test('an abort of the call that it serves, or of its reader, closes the connection of an answer', async (t) => {
      const { client } = dispatcher(t, { timeout: { attemptMs: 60_000 } })
      let open = 0
      const url = await listen(t, (_request, response) => {
        open++
        response.once('close', () => open--)
        response.write('first')
      })
      const controller = new AbortController()
      const served = await withContext(rootContext({ signal: controller.signal }), () => request(url, { dispatcher: client }))
      controller.abort(new Error('the client left'))
      assert.match(String(await errorOf(served.body.text())), /the client left/)
      const read = await request(url, { dispatcher: client })
      read.body.on('error', () => {})
      read.body.destroy()
      await until('both connections are closed', () => open === 0)
    })

    test('turns away what the bulkhead has no room for', async (t) => {
      const { client } = dispatcher(t, { bulkhead: { concurrencyMax: 1 } })
      const { promise: gate, resolve } = Promise.withResolvers<void>()
      let asked = 0
      const url = await listen(t, async (_request, response) => {
        asked++
        await gate
        response.end('chair')
      })
      const first = request(url, { dispatcher: client })
      await until('the first is there', () => asked === 1)
      assert.ok((await errorOf(request(url, { dispatcher: client }))) instanceof BulkheadFullError)
      resolve()
      assert.equal(await (await first).body.text(), 'chair')
    })
  })
}
