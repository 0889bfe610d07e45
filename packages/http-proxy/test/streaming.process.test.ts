import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { describe, test } from 'node:test'
import { FLOOD_BYTES, floodingClient, floodingUpstream, thirstlessClient, thirstlessUpstream } from './flood.ts'
import { ask, echo, proxyBefore, raw, rawUpstream, until, untilStill, upstream } from './rig.ts'

describe('a request and its answer', () => {
  for (const method of ['GET', 'DELETE', 'POST', 'PUT']) {
    test(`${method} with a chunked body and without any is framed so that the upstream reads the same`, async (t) => {
      const up = await upstream(t)
      const { port } = await proxyBefore(t, { up })
      const agent = new Agent({ keepAlive: true, maxSockets: 1 })
      t.after(() => agent.destroy())
      for (const body of ['chunked body', undefined, 'x'.repeat(300_000)]) {
        const headers = body === undefined ? {} : { 'transfer-encoding': 'chunked' }
        const answer = await ask(port, { method, path: '/up?q=%2F..&&a', headers, agent, ...(body !== undefined && { body }) })
        assert.deepEqual([answer.status, answer.json['bytes'], answer.json['url']], [200, body?.length ?? 0, '/up?q=%2F..&&a'])
      }
      assert.deepEqual(
        up.received.map(({ body }) => body.length),
        [12, 0, 300_000],
      )
    })
  }

  test('stream: the head of either is there before its body is made', async (t) => {
    const seen: string[] = []
    let finish = () => {}
    const up = await upstream(t, (request, response) => {
      seen.push('head')
      request.on('data', (chunk: Buffer) => {
        seen.push(chunk.toString())
        response.write(`heard ${chunk.toString()}`)
      })
      finish = () => response.end('bye')
    })
    const { port } = await proxyBefore(t, { up })
    const request = httpRequest({ port, method: 'POST', path: '/up', agent: false, headers: { 'transfer-encoding': 'chunked' } })
    request.flushHeaders()
    await until(() => seen.length === 1, 'the head')
    request.write('one')
    const [response] = await once(request, 'response')
    response.setEncoding('utf8')
    response.on('data', (chunk: string) => seen.push(chunk))
    await until(() => seen.length === 3, 'the first of the answer')
    request.write('two')
    await until(() => seen.length === 5, 'the second')
    request.end()
    finish()
    await once(response, 'end')
    assert.deepEqual(seen, ['head', 'one', 'heard one', 'two', 'heard two', 'bye'])
  })

  test('answers of every framing arrive whole, and the connections stay in step', async (t) => {
    const big = 'y'.repeat(300_000)
    const up = await upstream(t, (request, response) => {
      request.resume()
      switch (request.url) {
        case '/up/204':
          return void response.writeHead(204).end()
        case '/up/304':
          return void response.writeHead(304, { etag: '"1"', 'content-length': '5' }).end()
        case '/up/chunked':
          response.write('a')
          return void response.end(big)
        case '/up/length':
          return void response.writeHead(200, { 'content-length': big.length }).end(big)
        default:
          return void response.writeHead(200, { 'content-length': '5' }).end('hello')
      }
    })
    const { port } = await proxyBefore(t, { up })
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    t.after(() => agent.destroy())
    const head = await ask(port, { method: 'HEAD', path: '/up', agent })
    assert.deepEqual([head.headers['content-length'], head.body], ['5', ''])
    assert.equal((await ask(port, { path: '/up/204', agent })).status, 204)
    const notModified = await ask(port, { path: '/up/304', agent })
    assert.deepEqual([notModified.headers.etag, notModified.headers['content-length'], notModified.body], ['"1"', '5', ''])
    assert.equal((await ask(port, { path: '/up/chunked', agent })).body, `a${big}`)
    assert.equal((await ask(port, { path: '/up/length', agent })).body, big)
    assert.equal((await ask(port, { path: '/up', agent })).body, 'hello')
  })

  test('trailers pass both ways, but for fields that are the proxy’s', async (t) => {
    const trailers: NodeJS.Dict<string>[] = []
    const up = await upstream(t, (request, response) => {
      request.resume()
      request.on('end', () => {
        trailers.push(request.trailers)
        response.writeHead(200, { trailer: 'x-sum' })
        response.write('body')
        response.addTrailers({ 'x-sum': '2', 'x-forwarded-for': '6.6.6.6' })
        response.end()
      })
    })
    const { port } = await proxyBefore(t, { up })
    const { text } = await raw(
      port,
      'POST /up HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX-Sum: 1\r\nContent-Length: 9\r\n\r\n',
    )
    assert.deepEqual({ ...trailers[0] }, { 'x-sum': '1' })
    assert.match(text, /\r\ntrailer: x-sum\r\n[^]*4\r\nbody\r\n0\r\nx-sum: 2\r\n\r\n$/i)
  })

  test('of a client of HTTP/1.0 ends with its connection, or by its length', async (t) => {
    const up = await upstream(t, (request, response) => {
      request.resume()
      if (request.url === '/up/streamed') response.write('hel')
      else response.setHeader('content-length', '5').write('hel')
      response.end('lo')
    })
    const { port } = await proxyBefore(t, { up })
    assert.match(
      (await raw(port, 'GET /up/streamed HTTP/1.0\r\n\r\n')).text,
      /^HTTP\/1\.1 200 OK\r\n(?![^]*transfer-encoding)[^]*\r\n\r\nhello$/,
    )
    const kept = 'GET /up HTTP/1.0\r\nConnection: keep-alive\r\n\r\n'
    const { text } = await raw(port, `${kept}${kept}GET /up HTTP/1.0\r\n\r\n`)
    assert.equal(text.match(/connection: keep-alive/g)?.length, 2)
    assert.equal(text.match(/hello/g)?.length, 3)
  })

  test('of pipelined requests one is at work at a time, and answers go out in order', async (t) => {
    let atOnce = 0
    let most = 0
    const up = await upstream(t, (request, response) => {
      most = Math.max(most, ++atOnce)
      setImmediate(() => {
        atOnce--
        response.end(`<${request.url}>`)
      })
    })
    const { port } = await proxyBefore(t, { up })
    const requests = Array.from(
      { length: 500 },
      (_, index) => `GET /up/${index} HTTP/1.1\r\nhost: a\r\n${index === 499 ? 'connection: close\r\n' : ''}\r\n`,
    )
    const { text } = await raw(port, requests.join(''))
    assert.deepEqual(
      text.match(/<[^>]*>/g),
      requests.map((_, index) => `</up/${index}>`),
    )
    assert.equal(most, 1)
  })

  test('a request cut anywhere is the same request', async (t) => {
    const up = await upstream(t)
    const { port } = await proxyBefore(t, { up })
    const bytes = 'POST /up HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n'
    const socket = connect(port, '127.0.0.1')
    const chunks: Buffer[] = []
    socket.on('data', (chunk: Buffer) => chunks.push(chunk)).setNoDelay()
    for (const byte of bytes) {
      socket.write(byte)
      await new Promise(setImmediate)
    }
    await once(socket, 'close')
    assert.match(Buffer.concat(chunks).toString(), /"bytes":5/)
  })

  test('103 goes on to a client of HTTP/1.1, and 100 only to one that waits for it', async (t) => {
    const up = await rawUpstream(t, (socket) => {
      socket.on('data', () => {
        socket.write(
          'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
        )
      })
    })
    const { port } = await proxyBefore(t, { up })
    const { text } = await raw(port, 'GET /up HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    assert.match(text, /^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a>; rel=preload\r\n\r\nHTTP\/1\.1 200 OK\r\n/)
    assert.match((await raw(port, 'GET /up HTTP/1.0\r\n\r\n')).text, /^HTTP\/1\.1 200 OK\r\n/)
    const expecting = 'POST /up HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\nx'
    assert.match((await raw(port, expecting)).text, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 103 /)
  })

  test('a client that waits for 100 Continue hears it from the upstream, and is refused in its place', async (t) => {
    const up = await upstream(t)
    up.server.on('checkContinue', (request, response) => {
      if (request.headers['x-wanted'] === 'no') response.writeHead(401).end('no')
      else {
        response.writeContinue()
        echo(request, response)
      }
    })
    const { port } = await proxyBefore(t, { up })
    const expecting = (headers: object) =>
      httpRequest({ port, method: 'POST', path: '/up', agent: false, headers: { expect: '100-continue', 'content-length': 5, ...headers } })
    const refused = expecting({ 'x-wanted': 'no' })
    refused.on('continue', () => assert.fail('told to continue'))
    refused.flushHeaders()
    const [refusal] = await once(refused, 'response')
    assert.deepEqual([refusal.statusCode, refusal.headers.connection], [401, 'close'])
    refused.destroy()
    const wanted = expecting({})
    wanted.flushHeaders()
    await once(wanted, 'continue')
    wanted.end('hello')
    const [answer] = await once(wanted, 'response')
    assert.equal(answer.statusCode, 200)
    answer.resume()
  })
})

describe('back-pressure', () => {
  test('a client that does not read holds the upstream back', async (t) => {
    const up = await floodingUpstream(t)
    const { port } = await proxyBefore(t, { up })
    const client = await thirstlessClient(port, '/up')
    await untilStill(up.written)
    assert.ok(up.written() < FLOOD_BYTES, `${up.written()} bytes were taken from the upstream for a client that reads none`)
    assert.equal(await client.drink(), FLOOD_BYTES)
  })

  test('an upstream that does not read holds the client back', async (t) => {
    const up = await thirstlessUpstream(t)
    const { port } = await proxyBefore(t, { up }, { limits: { bodyBytesMax: FLOOD_BYTES } })
    const { request, written } = floodingClient(port, '/up')
    await until(() => written() > 0, 'it sends')
    await untilStill(written)
    assert.ok(written() < FLOOD_BYTES)
    await up.drink()
    const [response] = await once(request, 'response')
    response.resume()
    await once(response, 'end')
    assert.equal(response.statusCode, 200)
  })

  test('a client that asks on and reads nothing is not asked for', async (t) => {
    let asked = 0
    const up = await rawUpstream(t, (socket) =>
      socket.on('data', () => {
        asked++
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n${'x'.repeat(10_000)}`)
      }),
    )
    const { port } = await proxyBefore(t, { up })
    const requests = 4_000
    const socket = connect(port, '127.0.0.1')
    t.after(() => socket.destroy())
    await once(socket, 'connect')
    socket.pause()
    socket.write('GET /up HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(requests))
    await until(() => asked > 0, 'it asks')
    await untilStill(() => asked)
    assert.ok(asked < requests, `${asked} answers were taken from the upstream for a client that reads none`)
    let received = 0
    socket.on('data', (chunk: Buffer) => (received += chunk.length))
    socket.resume()
    await until(() => asked === requests && received > requests * 10_000, 'all answers', 20_000)
  })
})
