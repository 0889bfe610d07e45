import assert from 'node:assert/strict'
import { createServer as createHttpServer } from 'node:http'
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net'
import { describe, test, type TestContext } from 'node:test'
import {
  ConfigurationError,
  exponential,
  InvalidInputError,
  rootContext,
  TimeoutError,
  UnavailableError,
  UnknownOutcomeError,
} from 'seaworthy/core'
import { countWindow, policy } from 'seaworthy/resilience'
import { BadAnswerError } from '@seaworthy/rpc'
import { restClient } from '@seaworthy/rpc/rest'
import { eventually, failureOfCall, freePort, reviews, reviewsClient, type Seen, startReviews, within } from '../fixtures.ts'
import { recordOperations } from '../operations.ts'

const REVIEW = { body: { productId: 'p', rating: 1 } }

describe('what a REST client knows of a call that failed', () => {
  test('a refused connection: surely not executed', async (t) => {
    const client = reviewsClient(t, { url: `http://127.0.0.1:${await freePort()}` })
    const error = await failureOfCall(client.createReview(REVIEW))
    assert.ok(error instanceof UnavailableError)
    assert.equal(error.executed, 'no')
    assert.match(error.message, /ECONNREFUSED/)
  })

  test('a name that does not resolve: surely not executed', async (t) => {
    const client = reviewsClient(t, { url: 'http://no-such-host.invalid' })
    const error = await failureOfCall(client.createReview(REVIEW, within(5_000)))
    assert.equal(error.executed, 'no')
  })

  test('a connection that broke after the request was sent: it may have been executed', async (t) => {
    const url = await listen(t, (socket) => socket.once('data', () => socket.destroy()))
    const error = await failureOfCall(reviewsClient(t, { url }).createReview(REVIEW))
    assert.ok(error instanceof UnknownOutcomeError)
    assert.equal(error.executed, 'maybe')
  })

  test('a connection that broke in the middle of the answer: it may have been executed', async (t) => {
    for (const answer of [
      'HTTP/1.1 201 Created\r\ncontent-length: 100\r\n\r\n{"id":',
      'HTTP/1.1 201 Created\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{"id"\r\n',
    ]) {
      const url = await listen(t, (socket) => socket.once('data', () => socket.end(answer)))
      const error = await failureOfCall(reviewsClient(t, { url }).createReview(REVIEW))
      assert.ok(error instanceof UnknownOutcomeError, `${error}`)
    }
  })

  test('no answer by the deadline: it may have been executed', async (t) => {
    const url = await listen(t, () => {})
    const error = await failureOfCall(reviewsClient(t, { url }).createReview(REVIEW, within(40)))
    assert.ok(error instanceof TimeoutError)
    assert.equal(error.executed, 'maybe')
  })

  test('no time left: nothing is sent', async (t) => {
    let connections = 0
    const url = await listen(t, () => connections++)
    const error = await failureOfCall(reviewsClient(t, { url }).createReview(REVIEW, within(-1)))
    assert.ok(error instanceof TimeoutError)
    assert.equal(error.executed, 'no')
    assert.equal(connections, 0)
  })

  test('a deadline that passes while the call waits for a free connection: surely not executed', async (t) => {
    let requests = 0
    const url = await listen(t, (socket) => socket.on('data', () => requests++))
    const client = reviewsClient(t, { url }, { connectionsMax: 1 })
    const controller = new AbortController()
    const first = failureOfCall(client.createReview(REVIEW, rootContext({ signal: controller.signal })))
    await eventually(() => requests === 1, 'the first request arrives')
    const second = await failureOfCall(client.createReview(REVIEW, within(40)))
    assert.deepEqual([second.name, second.executed], ['TimeoutError', 'no'])
    assert.equal(requests, 1)
    controller.abort()
    await first
  })

  test('no connection within the time for connecting: surely not executed', async (t) => {
    // Accepts the connection, but never shakes hands for TLS.
    const url = (await listen(t, () => {})).replace('http:', 'https:')
    const error = await failureOfCall(reviewsClient(t, { url }, { connectTimeoutMs: 30 }).createReview(REVIEW, within(5_000)))
    assert.ok(error instanceof UnavailableError, `${error}`)
    assert.match(error.message, /within 30 ms/)
  })

  test('an abort ends the call with its own reason, and reaches the handler', async (t) => {
    const { promise: aborted, resolve: abort } = Promise.withResolvers<void>()
    const { client } = await startReviews(t, {
      getReview: ({ call }) =>
        new Promise(() => {
          call.signal!.addEventListener('abort', () => abort())
          controller.abort(reason)
        }),
    })
    const controller = new AbortController()
    const reason = new Error('The user went home.')
    assert.equal(await failureOfCall(client.getReview({ params: { id: '1' } }, rootContext({ signal: controller.signal }))), reason)
    await aborted
    assert.equal(await failureOfCall(client.getReview({ params: { id: '1' } }, rootContext({ signal: AbortSignal.abort(reason) }))), reason)
  })

  test('an answer that breaks the contract was executed, and asking again does not help', async (t) => {
    const answers = ['{"id":7}', 'not JSON', '']
    for (const answer of answers) {
      const server = createHttpServer((_, response) => response.writeHead(201, { 'content-type': 'application/json' }).end(answer))
      const url = await listening(t, server)
      const error = await failureOfCall(reviewsClient(t, { url }).createReview(REVIEW))
      assert.ok(error instanceof BadAnswerError, `${error}`)
      assert.equal(error.executed, 'yes')
      assert.equal(error.final, true)
    }
  })

  test('an answer larger than the limit is not read to its end', async (t) => {
    const { client } = await startReviews(t, {}, { client: { answerBytesMax: 20 } })
    const error = await failureOfCall(client.createReview(REVIEW))
    assert.ok(error instanceof BadAnswerError)
    assert.match(error.message, /answerBytesMax/)
  })

  test('a request that cannot be written says nothing about the service: its circuit breaker does not count it', async (t) => {
    const { server } = await startReviews(t)
    const guard = policy(
      { circuitBreaker: { failureRate: 0.5, window: countWindow(4), minimumCalls: 2, openMs: 60_000, probesMax: 1 } },
      { name: 'reviews' },
    )
    const client = reviewsClient(t, server, { policy: guard })
    for (const id of ['\ud800', '..', '.', '']) {
      const error = await failureOfCall(client.getReview({ params: { id } }))
      assert.ok(error instanceof InvalidInputError, `${error}`)
    }
    assert.equal(guard.snapshot().calls, 0)
    await client.getReview({ params: { id: '1' } })
  })

  test('what cannot be sent is refused before anything is', async (t) => {
    const client = reviewsClient(t, { url: `http://127.0.0.1:${await freePort()}` })
    for (const id of ['', '.', '..']) {
      assert.ok((await failureOfCall(client.getReview({ params: { id } }))) instanceof InvalidInputError)
    }
    assert.ok((await failureOfCall(client.deleteReview({ params: { id: '1' } }))) instanceof InvalidInputError)
    assert.ok((await failureOfCall(client.createReview(REVIEW, rootContext({ idempotencyKey: 'a\nb' })))) instanceof InvalidInputError)
  })
})

describe('a REST client', () => {
  test('sends its context, and less time than it has', async (t) => {
    const { client } = await startReviews(t)
    const call = within(5_000, { correlationId: 'c-1', idempotencyKey: 'k', actor: 'a', baggage: 'x=y' })
    const seen = JSON.parse((await client.createReview(REVIEW, call)).body.seen) as Seen
    assert.deepEqual([seen.correlationId, seen.idempotencyKey, seen.actor, seen.baggage], ['c-1', 'k', 'a', 'x=y'])
    assert.ok(seen.leftMs! > 0 && seen.leftMs! <= 5_000, `${seen.leftMs}`)
  })

  test('the second of two hops has less time than the first', async (t) => {
    const last = await startReviews(t)
    const middle = await startReviews(t, {
      createReview: async ({ body, call }) => {
        const spent = performance.now() + 20
        while (performance.now() < spent) await new Promise((resolve) => setImmediate(resolve))
        return last.client.createReview({ body }, call)
      },
    })
    const seen = JSON.parse((await middle.client.createReview(REVIEW, within(5_000))).body.seen) as Seen
    assert.ok(seen.leftMs! > 0 && seen.leftMs! <= 4_981, `${seen.leftMs}`)
  })

  test('runs under a policy, which tries again what was surely not executed', async (t) => {
    let attempts = 0
    const stock = policy({ retry: { attemptsMax: 3, backoff: exponential({ baseMs: 1, maxMs: 2 }) } }, { name: 'reviews' })
    const { client } = await startReviews(
      t,
      {
        getReview: ({ params }) => {
          attempts++
          if (attempts < 3) throw new UnavailableError('Not yet.', { retryAfterMs: 1 })
          return { status: 200, body: { id: params.id } }
        },
      },
      { client: { policy: stock } },
    )
    assert.equal((await client.getReview({ params: { id: '1' } })).body.id, '1')
    assert.equal(attempts, 3)
  })

  test('and its server describe their work by route, not by URL', async (t) => {
    const spans = { client: recordOperations(t, 'http.client'), server: recordOperations(t, 'http.server') }
    const { client, server } = await startReviews(t, { getReview: () => Promise.reject(new Error('broken')) })
    await failureOfCall(client.getReview({ params: { id: '77' } }, rootContext({ correlationId: 'c-9' })))
    await (await fetch(`${server.url}/readyz`)).text()
    await (await fetch(`${server.url}/nothing/77`)).text()
    assert.deepEqual(
      spans.client.map(({ name, kind, attributes }) => ({ name, kind, ...attributes })),
      [
        {
          name: 'GET /api/reviews/{id}',
          kind: 'client',
          'http.request.method': 'GET',
          'url.template': '/api/reviews/{id}',
          'server.address': '127.0.0.1',
          'server.port': server.port,
          'seaworthy.correlation_id': 'c-9',
          'http.response.status_code': 500,
          'error.type': '500',
        },
      ],
    )
    const [handled, unknown] = spans.server
    assert.equal(spans.server.length, 2)
    assert.equal(handled!.name, 'GET /api/reviews/{id}')
    assert.partialDeepStrictEqual(handled!.attributes, {
      'http.route': '/api/reviews/{id}',
      'http.response.status_code': 500,
      'seaworthy.correlation_id': 'c-9',
      'server.address': '127.0.0.1',
      'server.port': server.port,
      'network.peer.address': '127.0.0.1',
      'network.protocol.version': '1.1',
    })
    assert.equal(handled!.failure, 'internal')
    assert.equal(unknown!.name, 'GET')
    assert.equal(unknown!.attributes['http.response.status_code'], 404)
    assert.equal(unknown!.failure, undefined)
  })
})

function listen(t: TestContext, onConnection: (socket: Socket) => void): Promise<string> {
  return listening(t, createTcpServer(onConnection))
}

async function listening(t: TestContext, server: ReturnType<typeof createTcpServer>): Promise<string> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    socket.on('error', () => {})
    sockets.add(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

describe('several instances of a REST service', () => {
  test('get the requests in turns', async (t) => {
    const counts = [0, 0, 0]
    const servers = await Promise.all(
      counts.map((_, index) =>
        startReviews(t, {
          getReview: ({ params }) => {
            counts[index]!++
            return { status: 200, body: { id: params.id } }
          },
        }),
      ),
    )
    const client = restClient(reviews, { baseUrl: servers.map(({ server }) => server.url) })
    t.after(() => client[Symbol.dispose]())
    for (let call = 0; call < 6; call++) await client.getReview({ params: { id: 'r' } })
    assert.deepEqual(counts, [2, 2, 2])
  })

  test('one that is away costs one attempt, and is then passed over', async (t) => {
    const { server } = await startReviews(t)
    const gone = `http://127.0.0.1:${await freePort()}`
    const client = restClient(reviews, { baseUrl: [gone, server.url] })
    t.after(() => client[Symbol.dispose]())
    const outcomes = []
    for (let call = 0; call < 6; call++)
      outcomes.push(
        await client.getReview({ params: { id: 'r' } }).then(
          () => 'answered',
          (error: unknown) => (error instanceof UnavailableError ? 'away' : 'failed'),
        ),
      )
    assert.deepEqual(outcomes, ['away', 'answered', 'answered', 'answered', 'answered', 'answered'])
  })

  test('speak one protocol, and there is at least one', () => {
    assert.throws(() => restClient(reviews, { baseUrl: [] }), ConfigurationError)
    assert.throws(() => restClient(reviews, { baseUrl: ['http://a', 'https://b'] }), ConfigurationError)
  })
})
