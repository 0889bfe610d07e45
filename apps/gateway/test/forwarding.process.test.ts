import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { describe, test } from 'node:test'
import {
  FLOOD_BYTES,
  floodingClient,
  floodingUpstream,
  thirstlessClient,
  thirstlessUpstream,
} from '../../../packages/http-proxy/test/flood.ts'
import { ask, echo, gatewayBefore, raw, rawUpstream, until, untilStill, upstream, valuesOf } from './rig.ts'

const UUID = /^[0-9a-f-]{36}$/

describe('a request through the gateway', () => {
  test('arrives as it was sent, byte for byte in path and query, and so does the answer', async (t) => {
    const orders = await upstream(t, (request, response) => {
      request.resume()
      response.writeHead(201, { 'x-one': '1', 'set-cookie': ['a=1', 'b=2'], 'content-type': 'text/plain' })
      response.end('made')
    })
    const { port } = await gatewayBefore(t, { orders })
    const path = '/orders/%6Fne?q=a%20b&q=%2F..%2F&empty=&c[]=1'
    const answer = await ask(port, { method: 'POST', path, headers: { 'X-Twice': ['1', '2'] }, body: 'hello' })
    assert.equal(answer.status, 201)
    assert.equal(answer.body, 'made')
    assert.deepEqual(answer.headers['set-cookie'], ['a=1', 'b=2'])
    assert.deepEqual([orders.received[0]?.method, orders.received[0]?.url, orders.received[0]?.body], ['POST', path, 'hello'])
    assert.deepEqual(valuesOf(orders.received[0]!.rawHeaders, 'x-twice'), ['1', '2'])
  })

  for (const method of ['GET', 'DELETE', 'POST', 'PUT']) {
    test(`${method} with a chunked body and without any body is framed so that the upstream reads the same`, async (t) => {
      const orders = await upstream(t)
      const { port } = await gatewayBefore(t, { orders })
      const agent = new Agent({ keepAlive: true, maxSockets: 1 })
      t.after(() => agent.destroy())
      for (const body of ['chunked body', undefined, 'second']) {
        const headers = body === undefined ? {} : { 'transfer-encoding': 'chunked' }
        const answer = await ask(port, { method, path: '/orders', headers, agent, ...(body !== undefined && { body }) })
        assert.deepEqual([answer.status, answer.json['bytes']], [200, body?.length ?? 0])
      }
      assert.deepEqual(
        orders.received.map(({ body }) => body),
        ['chunked body', '', 'second'],
      )
    })
  }

  test('keeps connections to the upstream', async (t) => {
    const orders = await upstream(t)
    let connections = 0
    orders.server.on('connection', () => connections++)
    const { port } = await gatewayBefore(t, { orders })
    for (let round = 0; round < 10; round++) assert.equal((await ask(port, { path: '/orders' })).status, 200)
    assert.equal(connections, 1)
  })

  test('hop-by-hop headers, and those that Connection names, stay behind in both directions', async (t) => {
    const orders = await upstream(t, (request, response) => {
      request.resume()
      response.writeHead(200, {
        connection: 'x-internal, keep-alive',
        'x-internal': 'secret',
        'proxy-authenticate': 'Basic',
        'x-public': 'yes',
      })
      response.end('ok')
    })
    const { port } = await gatewayBefore(t, { orders })
    const { text } = await raw(
      port,
      'GET /orders HTTP/1.1\r\nHost: shop\r\nConnection: close, X-Mine, X-Forwarded-For, x-correlation-id\r\nX-Mine: 1\r\nTE: trailers\r\nTrailer: x\r\n' +
        'Upgrade: websocket\r\nKeep-Alive: timeout=5\r\nProxy-Connection: x\r\nProxy-Authorization: y\r\nX-Kept: 1\r\n\r\n',
    )
    const names = orders.received[0]!.rawHeaders.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase())
    // Connections to upstreams are kept, as HTTP/1.1 does without saying so.
    assert.deepEqual(names.toSorted(), ['host', 'x-correlation-id', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-kept'])
    assert.match(text, /x-public: yes/)
    assert.doesNotMatch(text, /secret|proxy-authenticate/)
  })

  test('where it came from is set anew, and what only the inside may say is removed', async (t) => {
    const orders = await upstream(t)
    const { port } = await gatewayBefore(t, { orders })
    await ask(port, {
      path: '/orders',
      headers: {
        host: 'shop.example',
        'x-forwarded-for': '6.6.6.6',
        'x-forwarded-host': 'evil',
        'x-forwarded-proto': 'https',
        'x-forwarded-prefix': '/evil',
        forwarded: 'for=6.6.6.6',
        'x-real-ip': '6.6.6.6',
        'x-seaworthy-actor': 'root',
        'x-seaworthy-executed': 'no',
        x_forwarded_for: '6.6.6.6',
      },
    })
    const { rawHeaders } = orders.received[0]!
    assert.deepEqual(valuesOf(rawHeaders, 'x-forwarded-for'), ['127.0.0.1'])
    assert.deepEqual(valuesOf(rawHeaders, 'x-forwarded-host'), ['shop.example'])
    assert.deepEqual(valuesOf(rawHeaders, 'x-forwarded-proto'), ['http'])
    assert.deepEqual(valuesOf(rawHeaders, 'host'), [orders.url.host])
    assert.doesNotMatch(rawHeaders.join('\n'), /6\.6\.6\.6|evil|seaworthy/)
  })

  test('trace headers that hold are handed on, others are not', async (t) => {
    const orders = await upstream(t)
    const { port } = await gatewayBefore(t, { orders })
    const sound = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    await ask(port, { path: '/orders', headers: { traceparent: sound, tracestate: 'v=1' } })
    for (const traceparent of ['nonsense', '00-00000000000000000000000000000000-b7ad6b7169203331-01', `${sound}, ${sound}`]) {
      await ask(port, { path: '/orders', headers: { traceparent, tracestate: 'v=1' } })
    }
    assert.deepEqual(
      orders.received.map(({ rawHeaders }) => [...valuesOf(rawHeaders, 'traceparent'), ...valuesOf(rawHeaders, 'tracestate')]),
      [[sound, 'v=1'], [], [], []],
    )
  })

  test('the correlation id is taken if it is one, else made; the upstream and the client get the same', async (t) => {
    const orders = await upstream(t, (request, response) => {
      request.resume()
      response.setHeader('x-correlation-id', 'of the upstream')
      response.end()
    })
    const { port } = await gatewayBefore(t, { orders })
    for (const [sent, expected] of [
      ['order-17_a.b', /^order-17_a\.b$/],
      ['has space', UUID],
      ['x'.repeat(65), UUID],
      [undefined, UUID],
    ] as const) {
      const answer = await ask(port, { path: '/orders', headers: sent === undefined ? {} : { 'x-correlation-id': sent } })
      assert.match(String(answer.headers['x-correlation-id']), expected)
      assert.deepEqual(valuesOf(orders.received.at(-1)!.rawHeaders, 'x-correlation-id'), [answer.headers['x-correlation-id']])
      assert.equal(valuesOf(answer.rawHeaders, 'x-correlation-id').length, 1)
    }
  })

  test("what is left of the client's time is passed on", async (t) => {
    const orders = await upstream(t)
    const { port } = await gatewayBefore(t, { orders })
    await ask(port, { path: '/orders', headers: { 'x-request-timeout-ms': '5000' } })
    const left = Number(valuesOf(orders.received[0]!.rawHeaders, 'x-request-timeout-ms')[0])
    assert.ok(left > 4_000 && left <= 5_000, `${left}`)
  })

  test('HEAD, 204 and 304 have no body, and the connection stays in step', async (t) => {
    const orders = await upstream(t, (request, response) => {
      request.resume()
      if (request.url === '/orders/204') response.writeHead(204).end()
      else if (request.url === '/orders/304') response.writeHead(304, { etag: '"1"' }).end()
      else response.writeHead(200, { 'content-length': '5' }).end('hello')
    })
    const { port } = await gatewayBefore(t, { orders })
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    t.after(() => agent.destroy())
    const head = await ask(port, { method: 'HEAD', path: '/orders', agent })
    assert.deepEqual([head.status, head.headers['content-length'], head.body], [200, '5', ''])
    assert.equal((await ask(port, { path: '/orders/204', agent })).status, 204)
    assert.equal((await ask(port, { path: '/orders/304', agent })).headers.etag, '"1"')
    assert.equal((await ask(port, { path: '/orders', agent })).body, 'hello')
  })

  test('a request of unknown length streams: its head is there before its body', async (t) => {
    let arrived = false
    const orders = await upstream(t, (request, response) => {
      arrived = true
      echo(request, response)
    })
    const { port } = await gatewayBefore(t, { orders })
    const request = httpRequest({ port, method: 'POST', path: '/orders', agent: false, headers: { 'transfer-encoding': 'chunked' } })
    request.flushHeaders()
    await until(() => arrived, 'the head')
    request.end('hello')
    const [response] = await once(request, 'response')
    response.resume()
    assert.equal(response.statusCode, 200)
  })

  test('an answer streams: its first part is there before its last is made', async (t) => {
    let finish = () => {}
    const orders = await upstream(t, (request, response) => {
      request.resume()
      response.write('first')
      finish = () => response.end('last')
    })
    const { port } = await gatewayBefore(t, { orders })
    const parts: string[] = []
    const request = httpRequest({ port, path: '/orders', agent: false }).end()
    const [response] = await once(request, 'response')
    response.on('data', (chunk: Buffer) => parts.push(chunk.toString()))
    await until(() => parts.length === 1, 'the first part')
    finish()
    await once(response, 'end')
    assert.deepEqual(parts, ['first', 'last'])
  })

  test('a client that does not read holds the upstream back', async (t) => {
    const orders = await floodingUpstream(t)
    const { port } = await gatewayBefore(t, { orders })
    const client = await thirstlessClient(port, '/orders')
    await untilStill(orders.written)
    assert.ok(orders.written() < FLOOD_BYTES, `${orders.written()} bytes were taken from the upstream for a client that reads none`)
    assert.equal(await client.drink(), FLOOD_BYTES)
  })

  test('an upstream that does not read holds the client back', async (t) => {
    const orders = await thirstlessUpstream(t)
    const { port } = await gatewayBefore(t, { orders }, { bodyBytesMax: FLOOD_BYTES })
    const { request, written } = floodingClient(port, '/orders')
    await until(() => written() > 0, 'it sends')
    await untilStill(written)
    assert.ok(written() < FLOOD_BYTES)
    await orders.drink()
    const [response] = await once(request, 'response')
    response.resume()
    await once(response, 'end')
    assert.equal(response.statusCode, 200)
  })

  test('a client that goes away ends the request at the upstream', async (t) => {
    let aborted = false
    const orders = await upstream(t, (_, response) => {
      response.on('close', () => (aborted = !response.writableFinished))
    })
    const { port } = await gatewayBefore(t, { orders })
    const controller = new AbortController()
    const asked = ask(port, { path: '/orders', signal: controller.signal }).catch((error: Error) => error.name)
    await until(() => orders.received.length === 1, 'the request arrives')
    controller.abort()
    assert.equal(await asked, 'AbortError')
    await until(() => aborted, 'the upstream hears of it')
  })

  for (const framing of ['chunked', 'content-length', 'until close']) {
    test(`an upstream that dies in the middle of its answer (${framing}) is seen as a broken transfer`, async (t) => {
      const head = {
        chunked: 'transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n',
        'content-length': 'content-length: 10\r\n\r\nhello',
        'until close': '\r\nhello',
      }[framing]
      const dying = await rawUpstream(t, (socket) => {
        socket.once('data', () => {
          socket.write(`HTTP/1.1 200 OK\r\n${head}`)
          setTimeout(() => (framing === 'until close' ? socket.resetAndDestroy() : socket.destroy()), 20)
        })
      })
      const { port } = await gatewayBefore(t, { dying })
      await assert.rejects(ask(port, { path: '/dying' }), /aborted|ECONNRESET|hang up/)
      // Also where the end of the connection is the end of the body.
      const { error } = await raw(port, 'GET /dying HTTP/1.0\r\n\r\n')
      assert.equal(error, 'ECONNRESET')
    })
  }

  test('of pipelined requests one is at work at a time', async (t) => {
    let atOnce = 0
    let most = 0
    const up = await upstream(t, (_request, response) => {
      most = Math.max(most, ++atOnce)
      setTimeout(() => {
        atOnce--
        response.end('done')
      }, 5)
    })
    const { port } = await gatewayBefore(t, { up })
    const requests = Array.from(
      { length: 20 },
      (_, index) => `GET /up/${index} HTTP/1.1\r\nhost: a\r\n${index === 19 ? 'connection: close\r\n' : ''}\r\n`,
    )
    const { text } = await raw(port, requests.join(''))
    assert.equal(text.split('HTTP/1.1 200').length - 1, 20)
    assert.deepEqual(
      up.received.map(({ url }) => url),
      requests.map((_, index) => `/up/${index}`),
    )
    assert.equal(most, 1)
  })

  test('pipelined requests are answered in order, and a client that leaves meanwhile leaves nothing behind', async (t) => {
    let release = () => {}
    const orders = await upstream(t, (request, response) => {
      request.resume()
      if (request.url === '/orders/slow') release = () => response.end('slow')
      else response.end('fast')
    })
    const { gateway, port } = await gatewayBefore(t, { orders }, { drainTimeoutMs: 10_000 })
    const both = raw(port, 'GET /orders/slow HTTP/1.1\r\nHost: x\r\n\r\nGET /orders/fast HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
    await until(() => orders.received.length === 1, 'the first arrives')
    release()
    assert.match((await both).text, /slow[^]*fast/)

    const socket = connect(port, '127.0.0.1')
    socket.write('GET /orders/slow HTTP/1.1\r\nHost: x\r\n\r\nGET /orders/fast HTTP/1.1\r\nHost: x\r\n\r\n')
    await until(() => orders.received.length === 3, 'the first arrives')
    socket.destroy()
    const startedMs = performance.now()
    await gateway.drain()
    assert.ok(performance.now() - startedMs < 5_000, 'something is still counted as open')
  })
})
