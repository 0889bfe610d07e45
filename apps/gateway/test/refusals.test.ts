import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { describe, test } from 'node:test'
import { ask, gatewayBefore, raw, type TestAnswer, until, upstream, valuesOf } from './rig.ts'

function assertProblem(answer: TestAnswer, status: number, detail: RegExp): void {
  assert.equal(answer.status, status)
  assert.equal(answer.headers['content-type'], 'application/problem+json')
  assert.equal(answer.json['status'], status)
  assert.match(String(answer.json['detail']), detail)
  assert.equal(answer.headers['x-correlation-id'], answer.json['correlationId'])
  assert.match(String(answer.json['correlationId']), /^[A-Za-z0-9._-]{1,64}$/)
  assert.doesNotMatch(answer.body, /\.ts:\d|node_modules|at \w+ \(/)
}

describe('the gateway refuses', () => {
  test('an unknown route with 404', async (t) => {
    const orders = await upstream(t)
    const { port } = await gatewayBefore(t, { orders })
    assertProblem(await ask(port, { path: '/nothing/here?secret=1' }), 404, /There is no GET \/nothing\/here\./)
    assertProblem(await ask(port, { path: '/nothing', headers: { 'x-correlation-id': 'mine' } }), 404, /nothing/)
    assert.equal(orders.received.length, 0)
  })

  test('an ambiguous path with 400, and sends nothing on', async (t) => {
    const orders = await upstream(t)
    const { port } = await gatewayBefore(t, { orders })
    for (const path of [
      '/orders/../admin',
      '/orders/%2e%2e/admin',
      '/orders%2fadmin',
      '/orders\\admin',
      '/orders;x',
      '/orders//x',
      '/orders/%00',
    ]) {
      assertProblem(await ask(port, { path }), 400, /two programs could read it differently/)
    }
    assert.equal(orders.received.length, 0)
  })

  const malformed: readonly (readonly [string, string, number])[] = [
    ['two Host headers', 'GET /orders HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', 400],
    ['two equal Host headers', 'GET /orders HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n', 400],
    ['no Host header', 'GET /orders HTTP/1.1\r\n\r\n', 400],
    ['a Host with a path', 'GET /orders HTTP/1.1\r\nHost: a/b\r\n\r\n', 400],
    ['a Host with a user', 'GET /orders HTTP/1.1\r\nHost: a@b\r\n\r\n', 400],
    [
      'Content-Length and Transfer-Encoding',
      'POST /orders HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
    ['two Content-Lengths', 'POST /orders HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcd', 400],
    ['a Content-Length with a sign', 'POST /orders HTTP/1.1\r\nHost: a\r\nContent-Length: +4\r\n\r\nabcd', 400],
    ['an obfuscated Transfer-Encoding', 'POST /orders HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n', 501],
    ['a second coding', 'POST /orders HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n', 501],
    [
      'two Transfer-Encodings',
      'POST /orders HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
    ['Transfer-Encoding in HTTP/1.0', 'POST /orders HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400],
    ['a space before the colon', 'GET /orders HTTP/1.1\r\nHost: a\r\nX-A : b\r\n\r\n', 400],
    ['a folded header', 'GET /orders HTTP/1.1\r\nHost: a\r\nX-A: b\r\n c\r\n\r\n', 400],
    ['a NUL in a header', 'GET /orders HTTP/1.1\r\nHost: a\r\nX-A: b\0c\r\n\r\n', 400],
    ['a chunk size that is none', 'POST /orders HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n', 400],
    ['the absolute form', 'GET http://other/orders HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['an unknown expectation', 'GET /orders HTTP/1.1\r\nHost: a\r\nExpect: cake\r\n\r\n', 417],
    ['a tunnel', 'CONNECT other:443 HTTP/1.1\r\nHost: other:443\r\n\r\n', 405],
    ['what is no HTTP', 'HELO orders\r\n\r\n', 400],
    ['too many header bytes', `GET /orders HTTP/1.1\r\nHost: a\r\nX-A: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
    ['too many headers', `GET /orders HTTP/1.1\r\nHost: a\r\n${'X-A: b\r\n'.repeat(150)}\r\n`, 431],
  ]
  for (const [what, bytes, status] of malformed) {
    test(`${what} with ${status}`, async (t) => {
      const orders = await upstream(t)
      const { port } = await gatewayBefore(t, { orders })
      const { text } = await raw(port, bytes)
      assert.match(text, new RegExp(`^HTTP/1\\.1 ${status} `), text)
      assert.match(text, /\r\nx-correlation-id: [A-Za-z0-9._-]{1,64}\r\n/i)
      assert.match(text, /application\/problem\+json/)
      assert.equal(text.match(/HTTP\/1\.1 /g)?.length, 1, 'one answer')
      // A broken body is found out after its head went on; such a request never ends at the upstream.
      assert.equal(orders.received.length, 0)
    })
  }

  test('a body that is declared too large with 413, before anything is sent on', async (t) => {
    const orders = await upstream(t)
    const { port } = await gatewayBefore(t, { orders })
    assertProblem(
      await ask(port, { method: 'POST', path: '/orders', body: Buffer.alloc(1_048_577) }),
      413,
      /1048577 bytes; at most 1048576/,
    )
    assert.equal(orders.received.length, 0)
    assert.equal((await ask(port, { method: 'POST', path: '/orders', body: Buffer.alloc(1_048_576) })).json['bytes'], 1_048_576)
  })

  test('a body that turns out too large with 413, and ends the request at the upstream', async (t) => {
    let begun = false
    let aborted = false
    const orders = await upstream(t, (request) => {
      begun = true
      request.on('error', () => {})
      request.on('close', () => (aborted = !request.complete))
    })
    const { port } = await gatewayBefore(t, { orders })
    const request = httpRequest({ port, method: 'POST', path: '/orders', agent: false, headers: { 'transfer-encoding': 'chunked' } })
    request.write(Buffer.alloc(600_000))
    await until(() => begun, 'the upstream has its beginning')
    request.write(Buffer.alloc(600_000))
    const [answer] = await once(request, 'response')
    assert.deepEqual([answer.statusCode, answer.headers['x-seaworthy-executed']], [413, 'maybe'])
    const chunks: Buffer[] = []
    for await (const chunk of answer) chunks.push(chunk)
    assert.match(Buffer.concat(chunks).toString(), /larger than 1048576/)
    request.destroy()
    await until(() => aborted, 'the upstream hears of it')
    assert.equal(orders.received.length, 0)
  })

  test('a client that waits for 100 Continue gets it only if its body is wanted', async (t) => {
    const orders = await upstream(t)
    const { port } = await gatewayBefore(t, { orders })
    const expecting = (bytes: number) =>
      httpRequest({ port, method: 'POST', path: '/orders', agent: false, headers: { expect: '100-continue', 'content-length': bytes } })
    const refused = expecting(5_000_000)
    refused.on('continue', () => assert.fail('told to continue'))
    refused.flushHeaders()
    const [refusal] = await once(refused, 'response')
    assert.equal(refusal.statusCode, 413)
    assert.equal(refusal.headers.connection, 'close')
    refused.destroy()

    const wanted = expecting(5)
    wanted.flushHeaders()
    await once(wanted, 'continue')
    wanted.end('hello')
    const [answer] = await once(wanted, 'response')
    assert.equal(answer.statusCode, 200)
    answer.resume()
    assert.equal(orders.received[0]?.body, 'hello')
    // It is the upstream that says whether it wants the body.
    assert.deepEqual(valuesOf(orders.received[0].rawHeaders, 'expect'), ['100-continue'])
  })

  test('a refused body leaves the connection in step for the next request', async (t) => {
    const orders = await upstream(t)
    const { port } = await gatewayBefore(t, { orders })
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    t.after(() => agent.destroy())
    for (const path of ['/nothing', '/orders']) {
      const answer = await ask(port, { method: 'POST', path, body: 'x'.repeat(100_000), agent })
      assert.equal(answer.status, path === '/orders' ? 200 : 404)
    }
  })

  test("a broken body, and nobody else's request", async (t) => {
    const finish: (() => void)[] = []
    const orders = await upstream(t, (request, response) => {
      request.resume()
      request.on('error', () => {})
      finish.push(() => response.end('done'))
    })
    const { port } = await gatewayBefore(t, { orders })
    const other = ask(port, { path: '/orders' })
    await until(() => finish.length === 1, 'the other arrives')
    const { text } = await raw(port, 'POST /orders HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n')
    assert.match(text, /^HTTP\/1\.1 400 /)
    finish[0]!()
    assert.equal((await other).status, 200)
  })

  test('a body that never ends, although it was refused', async (t) => {
    const orders = await upstream(t)
    const { port } = await gatewayBefore(t, { orders })
    const startedMs = performance.now()
    const { text } = await raw(port, 'POST /nothing HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n')
    assert.match(text, /^HTTP\/1\.1 404 /)
    assert.ok(performance.now() - startedMs < 4_000, 'the connection stayed open')
  })

  test('a client that sends its headers too slowly with 408', async (t) => {
    const orders = await upstream(t)
    const { port } = await gatewayBefore(t, { orders }, { headersTimeoutMs: 50 })
    const { text } = await raw(port, 'GET /orders HTTP/1.1\r\nHost: a\r\nX-Slow')
    assert.match(text, /^HTTP\/1\.1 408 [^]*x-correlation-id/)
  })

  test('a deadline that is no number with 400 and its field', async (t) => {
    const orders = await upstream(t)
    const { port } = await gatewayBefore(t, { orders })
    const answer = await ask(port, { path: '/orders', headers: { 'x-request-timeout-ms': '-5' } })
    assertProblem(answer, 400, /x-request-timeout-ms/)
    assert.deepEqual(answer.json['errors'], [{ field: 'x-request-timeout-ms', message: 'Expected a whole number of milliseconds' }])
  })

  test('more requests than an upstream may have, with 503 and Retry-After', async (t) => {
    const finish: (() => void)[] = []
    const orders = await upstream(t, (request, response) => {
      request.resume()
      finish.push(() => response.end('done'))
    })
    const { port } = await gatewayBefore(t, { orders }, { concurrencyMax: 2, queueMax: 1 })
    const first = [1, 2, 3].map(() => ask(port, { path: '/orders' }))
    await until(() => finish.length === 2, 'two run')
    // The third waits; it may still be on its way to the gateway.
    const more = await Promise.race([1, 2].map(() => ask(port, { path: '/orders' })))
    assertProblem(more, 503, /Bulkhead orders is full: 2 calls are running/)
    assert.equal(more.headers['retry-after'], '1')
    assert.equal(more.headers['x-seaworthy-executed'], 'no')
    const ended = setInterval(() => finish.splice(0).forEach((each) => each()), 1)
    t.after(() => clearInterval(ended))
    for (const answer of await Promise.all(first)) assert.equal(answer.status, 200)
  })

  for (const [what, head, limits] of [
    ['small bodies', 'content-length: 100', { concurrencyMax: 2, queueMax: 0 }],
    ['streaming bodies', 'transfer-encoding: chunked', { concurrencyMax: 2, queueMax: 0, streamingMax: 4 }],
  ] as const) {
    test(`nobody else when clients send ${what} slowly`, async (t) => {
      const up = await upstream(t)
      const { port } = await gatewayBefore(t, { up }, limits)
      for (let count = 0; count < 4; count++) {
        const socket = connect(port, '127.0.0.1')
        t.after(() => socket.destroy())
        socket.write(`POST /up HTTP/1.1\r\nhost: a\r\n${head}\r\n\r\n`)
        await once(socket, 'connect')
      }
      for (let count = 0; count < 3; count++) {
        assert.equal((await ask(port, { path: '/up' })).status, 200)
        assert.equal((await ask(port, { method: 'POST', path: '/up', body: 'whole' })).status, 200)
      }
    })
  }

  test("a body that is not there within the client's own time with 504, which says that nothing was sent on", async (t) => {
    const up = await upstream(t)
    const { port } = await gatewayBefore(t, { up })
    const { text } = await raw(port, 'POST /up HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\nx-request-timeout-ms: 50\r\n\r\nhalf')
    assert.match(text, /^HTTP\/1\.1 504 /)
    assert.match(text, /did not arrive within the client's 50 ms/)
    assert.match(text, /x-seaworthy-executed: no/i)
    assert.equal(up.received.length, 0)
  })

  test('a connection that says nothing is closed at the end of its time', async (t) => {
    const orders = await upstream(t)
    const { port } = await gatewayBefore(t, { orders }, { headersTimeoutMs: 50 })
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'close')
  })
})
