import assert from 'node:assert/strict'
import { Agent, request } from 'node:http'
import { connect } from 'node:net'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { ConfigurationError, currentContext } from 'seaworthy/core'
import { httpServer, restContract, type Problem } from '@seaworthy/rpc/rest'
import { z } from 'zod'
import { LEAK } from '../failures.ts'
import { recordingLog, type Seen, startReviews } from '../fixtures.ts'

const JSON_TYPE = { 'content-type': 'application/json' }

async function problemOf(response: Response): Promise<Problem> {
  assert.match(response.headers.get('content-type')!, /^application\/problem\+json/)
  assert.ok(response.headers.get('x-correlation-id'))
  const text = await response.text()
  assert.doesNotMatch(text, LEAK)
  const problem = JSON.parse(text) as Problem
  assert.equal(problem.status, response.status)
  return problem
}

describe('what an HTTP server refuses', () => {
  test('input that breaks the contract is answered 400, naming each field', async (t) => {
    const { server } = await startReviews(t)
    const body = JSON.stringify({ productId: '', rating: 9, lines: [{ quantity: 1 }, { quantity: 0 }] })
    const problem = await problemOf(await fetch(`${server.url}/api/reviews`, { method: 'POST', body, headers: JSON_TYPE }))
    assert.equal(problem.status, 400)
    assert.deepEqual(
      problem.errors?.map(({ field }) => field),
      ['productId', 'rating', 'lines[1].quantity'],
    )
    const query = await problemOf(await fetch(`${server.url}/api/reviews?page=zero`))
    assert.deepEqual([query.status, query.errors?.[0]?.field], [400, 'page'])
  })

  test('a method that the path does not have is answered 405 with Allow, whatever the body is', async (t) => {
    const { server } = await startReviews(t)
    const response = await fetch(`${server.url}/api/reviews/7`, { method: 'PUT', body: '{', headers: JSON_TYPE })
    assert.equal((await problemOf(response)).status, 405)
    assert.equal(response.headers.get('allow'), 'DELETE, GET, HEAD')
    assert.equal((await fetch(`${server.url}/healthz`, { method: 'POST' })).status, 405)
  })

  const refusals: [name: string, path: string, init: RequestInit, status: number][] = [
    ['an unknown route', '/api/nothing', {}, 404],
    ['an unknown route with a broken body', '/api/nothing', { method: 'POST', body: '{', headers: JSON_TYPE }, 404],
    ['malformed JSON', '/api/reviews', { method: 'POST', body: '{"productId":', headers: JSON_TYPE }, 400],
    ['an empty body that is said to be JSON', '/api/reviews', { method: 'POST', headers: JSON_TYPE }, 400],
    ['no body at all', '/api/reviews', { method: 'POST' }, 400],
    ['a poisoned prototype', '/api/reviews', { method: 'POST', body: '{"__proto__":{"admin":true}}', headers: JSON_TYPE }, 400],
    ['half a surrogate pair', '/api/reviews', { method: 'POST', body: '{"productId":"\\ud800","rating":1}', headers: JSON_TYPE }, 400],
    ['a compressed body', '/api/reviews', { method: 'POST', body: '{}', headers: { ...JSON_TYPE, 'content-encoding': 'gzip' } }, 415],
    ['another media type', '/api/reviews', { method: 'POST', body: 'rating=5', headers: { 'content-type': 'text/plain' } }, 415],
    ['a body that is too large', '/api/reviews', { method: 'POST', body: JSON.stringify('x'.repeat(1_100_000)), headers: JSON_TYPE }, 413],
    ['a URL that cannot be decoded', '/api/reviews/%E0%A4%A', {}, 400],
    ['an idempotency key with a space in it', '/api/reviews', { headers: { 'idempotency-key': 'a b' } }, 400],
    ['an idempotency key that is too long', '/api/reviews', { headers: { 'idempotency-key': 'k'.repeat(256) } }, 400],
    ['a missing idempotency key', '/api/reviews/1', { method: 'DELETE' }, 400],
    ['a timeout that is no number', '/api/reviews', { headers: { 'x-request-timeout-ms': 'soon' } }, 400],
    ['a deadline that has passed', '/api/reviews', { headers: { 'x-request-timeout-ms': '0' } }, 504],
  ]
  for (const [name, path, init, status] of refusals) {
    test(`${name} is answered ${status}, and was not executed`, async (t) => {
      const { server } = await startReviews(t, {
        createReview: () => assert.fail('It must not get here.'),
        deleteReview: () => assert.fail('It must not get here.'),
      })
      const response = await fetch(server.url + path, init)
      assert.equal(response.headers.get('x-seaworthy-executed'), 'no')
      assert.equal((await problemOf(response)).status, status)
    })
  }

  test('a body that is far too large is answered 413 while it is still being sent', async (t) => {
    const { server } = await startReviews(t)
    const body = new ReadableStream({
      start(controller) {
        for (let index = 0; index < 64; index++) controller.enqueue(new Uint8Array(65_536).fill(0x20))
        controller.close()
      },
    })
    const response = await fetch(`${server.url}/api/reviews`, { method: 'POST', body, headers: JSON_TYPE, duplex: 'half' } as RequestInit)
    assert.equal((await problemOf(response)).status, 413)
  })

  test('what is no HTTP is answered 400, and headers that are too large 431', async (t) => {
    const { server } = await startReviews(t)
    assert.match(await rawAnswer(server.port, 'NONSENSE\r\n\r\n'), /^HTTP\/1\.1 400 .*application\/problem\+json.*"status":400/s)
    const huge = `GET /healthz HTTP/1.1\r\nhost: a\r\nx-huge: ${'a'.repeat(40_000)}\r\n\r\n`
    assert.match(await rawAnswer(server.port, huge), /^HTTP\/1\.1 431 .*x-seaworthy-executed: no/s)
  })

  test('nonsense behind a request on the same connection is not mistaken for its answer', async (t) => {
    const { server } = await startReviews(t, { getReview: () => new Promise(() => {}) })
    const answer = await rawAnswer(server.port, 'GET /api/reviews/1 HTTP/1.1\r\nhost: a\r\n\r\nNONSENSE\r\n\r\n')
    assert.equal(answer, '')
  })

  test('no malformed body ever shows a stack trace', async (t) => {
    const { server, log } = await startReviews(t)
    const body = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.json(),
      fc.json().map((text) => text.slice(0, -1)),
      fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
      fc
        .record({ productId: fc.anything(), rating: fc.anything(), lines: fc.anything() })
        .map((value) => JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? String(item) : item))),
    )
    const type = fc.constantFrom(
      'application/json',
      'application/json; charset=utf-8',
      'application/json;',
      'text/plain',
      'application/x-www-form-urlencoded',
      ';',
      'multipart/form-data',
    )
    await fc.assert(
      fc.asyncProperty(body, type, async (content, contentType) => {
        const response = await fetch(`${server.url}/api/reviews`, {
          method: 'POST',
          body: content,
          headers: { 'content-type': contentType },
        })
        if (response.status === 201) {
          await response.text()
          return
        }
        assert.ok(response.status >= 400 && response.status < 500, `${response.status}`)
        await problemOf(response)
      }),
      { numRuns: 400 },
    )
    assert.deepEqual(log.lines, [])
  })
})

describe('an HTTP server', () => {
  test('converts what the schemas say, and hands a handler the rest as it came', async (t) => {
    const { client } = await startReviews(t)
    const { body } = await client.listReviews({ query: { page: '3', tag: ['a', 'b'] }, headers: { 'x-tenant': 'north' } })
    assert.deepEqual(body, { page: 3, tags: ['a', 'b'], tenant: 'north' })
    assert.deepEqual((await client.listReviews()).body, { page: 1, tags: [], tenant: null })
    assert.equal((await client.getReview({ params: { id: 'a/b ?#%é' } })).body.id, 'a/b ?#%é')
    assert.deepEqual((await client.deleteReview({ params: { id: '1' } }, { correlationId: 'c', idempotencyKey: 'k' })).status, 204)
  })

  test('takes the context from the headers, and runs the handler within it', async (t) => {
    let current: string | undefined
    const { server } = await startReviews(t, {
      createReview: async ({ body, call }) => {
        await Promise.resolve()
        current = currentContext()?.correlationId
        const { signal: _, ...fields } = call
        return { status: 201, body: { id: body.productId, seen: JSON.stringify(fields) } }
      },
    })
    const headers = {
      ...JSON_TYPE,
      'x-correlation-id': 'order-7',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      tracestate: 'a=b',
      baggage: 'tenant=north',
      'x-seaworthy-actor': 'customer:7',
      'idempotency-key': 'key-1',
    }
    const response = await fetch(`${server.url}/api/reviews`, { method: 'POST', body: '{"productId":"p","rating":1}', headers })
    assert.equal(response.headers.get('x-correlation-id'), 'order-7')
    const seen = JSON.parse(((await response.json()) as { seen: string }).seen) as Seen
    assert.deepEqual(seen, {
      correlationId: 'order-7',
      traceparent: headers.traceparent,
      tracestate: 'a=b',
      baggage: 'tenant=north',
      actor: 'customer:7',
      idempotencyKey: 'key-1',
    })
    assert.equal(current, 'order-7')
  })

  test('runs a handler in its context also when the body came later than the headers', async (t) => {
    let current: string | undefined
    const { server } = await startReviews(t, {
      createReview: ({ body }) => {
        current = currentContext()?.correlationId
        return { status: 201, body: { id: body.productId, seen: '' } }
      },
    })
    const body = '{"productId":"p","rating":1}'
    const headers = { 'content-type': 'application/json', 'x-correlation-id': 'late', 'content-length': body.length }
    const status = await new Promise((resolve, reject) => {
      const sending = request(`${server.url}/api/reviews`, { method: 'POST', headers, agent: new Agent() }, (response) => {
        response.resume().on('end', () => resolve(response.statusCode))
      })
      sending.on('error', reject)
      sending.flushHeaders()
      // A request of its own in between proves that the server has read the headers.
      fetch(`${server.url}/healthz`).then(() => sending.end(body), reject)
    })
    assert.equal(status, 201)
    assert.equal(current, 'late')
  })

  test('replaces a correlation id that could break a log line, and drops trace headers that break their standard', async (t) => {
    const { server } = await startReviews(t)
    const headers = { ...JSON_TYPE, 'x-correlation-id': 'a"b', traceparent: '00-0-0-00', tracestate: 'a=b' }
    const response = await fetch(`${server.url}/api/reviews`, { method: 'POST', body: '{"productId":"p","rating":1}', headers })
    const seen = JSON.parse(((await response.json()) as { seen: string }).seen) as Seen
    assert.match(response.headers.get('x-correlation-id')!, /^[0-9a-f-]{36}$/)
    assert.equal(seen.correlationId, response.headers.get('x-correlation-id'))
    assert.equal(seen.traceparent, undefined)
    assert.equal(seen.tracestate, undefined)
  })

  test('is ready when the process is and every check holds', async (t) => {
    let ready = false
    let database: () => boolean = () => true
    const { server } = await startReviews(t, {}, { readiness: () => ready, checks: { database: () => database(), log: () => true } })
    const readyz = async () => {
      const response = await fetch(`${server.url}/readyz`)
      return [response.status, await response.json()]
    }
    assert.deepEqual(await readyz(), [503, { status: 'not-ready', checks: { database: 'ok', log: 'ok' } }])
    ready = true
    assert.deepEqual(await readyz(), [200, { status: 'ready', checks: { database: 'ok', log: 'ok' } }])
    database = () => {
      throw new Error('gone')
    }
    assert.deepEqual(await readyz(), [503, { status: 'not-ready', checks: { database: 'failing', log: 'ok' } }])
    assert.equal((await fetch(`${server.url}/healthz`)).status, 200)
  })

  test('answers 504 at the deadline, even if the handler goes on', async (t) => {
    let reason: Error | undefined
    const { server } = await startReviews(t, {
      getReview: ({ call }) =>
        new Promise(() => {
          call.signal?.addEventListener('abort', () => (reason = call.signal?.reason as Error))
        }),
    })
    const response = await fetch(`${server.url}/api/reviews/1`, { headers: { 'x-request-timeout-ms': '30' } })
    assert.equal(response.status, 504)
    assert.equal(response.headers.get('x-seaworthy-executed'), 'maybe')
    assert.equal(reason?.name, 'TimeoutError')
  })

  test('tells a handler when its client is gone, and does not call that an error of its own', async (t) => {
    const { promise: entered, resolve: enter } = Promise.withResolvers<void>()
    const { promise: left, resolve: leave } = Promise.withResolvers<string>()
    const { server, log } = await startReviews(t, {
      getReview: ({ call }) =>
        new Promise((_, reject) => {
          enter()
          call.signal!.addEventListener('abort', () => {
            leave((call.signal!.reason as Error).name)
            reject(call.signal!.reason as Error)
          })
        }),
    })
    const controller = new AbortController()
    const answer = fetch(`${server.url}/api/reviews/1`, { signal: controller.signal })
    await entered
    controller.abort()
    await assert.rejects(answer)
    assert.equal(await left, 'AbortError')
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(log.lines, [])
  })

  test('refuses to answer with a status that the contract does not have', async (t) => {
    const { server, log } = await startReviews(t, { getReview: (() => ({ status: 299, body: {} })) as never })
    const response = await fetch(`${server.url}/api/reviews/1`)
    assert.equal((await problemOf(response)).status, 500)
    assert.match(log.lines[0]!.message, /answered 299/)
  })

  test('says which port is taken', async (t) => {
    const { server } = await startReviews(t)
    const second = httpServer({ port: server.port, logger: recordingLog() })
    t.after(() => second.drain({ lingerMs: 0 }))
    await assert.rejects(second.start(), (error) => error instanceof ConfigurationError && error.message.includes(String(server.port)))
  })
})

test('a contract that does not fit together is refused when it is made', () => {
  const make = (operation: object) => () =>
    restContract({
      title: 'x',
      version: '1',
      operations: { a: { method: 'GET', path: '/a', summary: '', responses: { 200: z.object({}) }, ...operation } },
    })
  assert.doesNotThrow(make({}))
  assert.throws(make({ path: '/a/{id}' }), ConfigurationError)
  assert.throws(make({ params: z.object({}) }), ConfigurationError)
  assert.throws(make({ body: z.object({}) }), ConfigurationError)
  assert.throws(make({ responses: {} }), ConfigurationError)
  assert.throws(make({ responses: { 404: null } }), ConfigurationError)
})

/** All that a server sends in answer to these bytes until it closes. */
function rawAnswer(port: number, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    socket.setEncoding('utf8')
    socket.on('data', (text: string) => (answer += text))
    socket.on('error', () => {})
    socket.on('close', () => resolve(answer))
  })
}
