import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent } from 'node:http'
import { connect } from 'node:net'
import { describe, test, type TestContext } from 'node:test'
import { ask, proxyBefore, raw, rawUpstream, until, upstream } from './rig.ts'

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

describe('a client that goes away', () => {
  for (const [what, leave] of [
    ['by a close', 'destroy'],
    ['by a reset', 'resetAndDestroy'],
    ['by closing its side', 'end'],
  ] as const) {
    test(`${what} is gone for the upstream at once`, async (t) => {
      let closed = false
      const up = await upstream(t, (request) => request.socket.on('close', () => (closed = true)))
      const { port } = await proxyBefore(t, { up })
      const socket = connect(port, '127.0.0.1').on('error', () => {})
      socket.write('GET /up HTTP/1.1\r\nHost: a\r\n\r\n')
      await until(() => up.received.length === 1, 'the request arrives')
      socket[leave]()
      await until(() => closed, 'the upstream hears of it')
    })
  }

  test('in the middle of its body, and of its answer, ends the connection to the upstream', async (t) => {
    let closed = 0
    const up = await upstream(t, (request, response) => {
      request.on('error', () => {})
      request.socket.on('close', () => closed++)
      response.write('some')
    })
    const { port } = await proxyBefore(t, { up })
    const sender = connect(port, '127.0.0.1').on('error', () => {})
    sender.write('POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf')
    await once(sender, 'data')
    sender.destroy()
    const reader = connect(port, '127.0.0.1').on('error', () => {})
    reader.write('GET /up HTTP/1.1\r\nHost: a\r\n\r\n')
    await once(reader, 'data')
    reader.destroy()
    await until(() => closed === 2, 'the upstream hears of both')
  })
})

describe('an upstream that fails', () => {
  for (const framing of ['chunked', 'content-length', 'until close']) {
    test(`in the middle of its answer (${framing}) is seen as a broken transfer`, async (t) => {
      const head = {
        chunked: 'transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n',
        'content-length': 'content-length: 10\r\n\r\nhello',
        'until close': '\r\nhello',
      }[framing]
      let break_ = () => {}
      const up = await rawUpstream(t, (socket) => {
        socket.once('data', () => {
          socket.write(`HTTP/1.1 200 OK\r\n${head}`)
          break_ = () => (framing === 'until close' ? socket.resetAndDestroy() : socket.destroy())
        })
      })
      const { port } = await proxyBefore(t, { up })
      for (const version of ['1.1', '1.0']) {
        const socket = connect(port, '127.0.0.1')
        socket.write(`GET /up HTTP/${version}\r\nHost: a\r\n\r\n`)
        const [first] = await once(socket, 'data')
        assert.match(String(first), /hello/)
        break_()
        const [error] = await once(socket, 'error')
        assert.equal(error.code, 'ECONNRESET', 'a clean end passes half an answer off as a whole one')
      }
    })
  }

  test('to listen is unavailable: 503, surely not executed', async (t) => {
    const up = await upstream(t)
    const { port } = await proxyBefore(t, { up })
    await up.stop()
    const answer = await ask(port, { method: 'POST', path: '/up', body: 'x' })
    assert.deepEqual([answer.status, answer.headers['x-seaworthy-executed'], answer.headers['retry-after']], [503, 'no', '1'])
    assert.match(String(answer.json['detail']), /up cannot be reached: .*ECONNREFUSED.*Nothing was sent/)
    await up.start()
    assert.equal((await ask(port, { path: '/up' })).status, 200)
  })

  test('to answer in time: 504, perhaps executed, and it is told', async (t) => {
    let closed = false
    const up = await upstream(t, (request) => request.socket.on('close', () => (closed = true)))
    const { port } = await proxyBefore(t, { up }, { limits: { answerTimeoutMs: 50 } })
    const answer = await ask(port, { method: 'POST', path: '/up', body: 'x' })
    assert.deepEqual([answer.status, answer.headers['x-seaworthy-executed'], answer.json['code']], [504, 'maybe', 'timeout'])
    await until(() => closed, 'the upstream hears of it')
  })

  for (const [what, bytes] of [
    ['no HTTP', '220 smtp ready\r\n'],
    ['a Content-Length and a Transfer-Encoding', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['two Content-Lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok'],
    ['a Content-Length that is no number', 'HTTP/1.1 200 OK\r\nContent-Length: 2x\r\n\r\nok'],
    ['an unknown coding', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n'],
    ['a coding in HTTP/1.0', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['a folded line', 'HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 2\r\n\r\nok'],
    ['a switch for which nobody asked', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n'],
    ['interim answers without end', 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(20)],
    ['a head without end', `HTTP/1.1 200 OK\r\nA: ${'x'.repeat(20_000)}`],
    ['too many headers', `HTTP/1.1 200 OK\r\n${'A: b\r\n'.repeat(200)}\r\n`],
  ] as const) {
    test(`to answer by the protocol, with ${what}, is an unknown outcome: 502`, async (t) => {
      const up = await rawUpstream(t, (socket) => socket.once('data', () => socket.write(bytes)))
      const { port } = await proxyBefore(t, { up })
      const { text } = await raw(port, 'POST /up HTTP/1.0\r\nContent-Length: 1\r\n\r\nx')
      assert.match(text, /^HTTP\/1\.1 502 [^]*x-seaworthy-executed: maybe/)
    })
  }

  test('with a broken chunk after the head is seen as a broken transfer', async (t) => {
    let goOn = () => {}
    const up = await rawUpstream(t, (socket) =>
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n')
        goOn = () => socket.write('xyz\r\n')
      }),
    )
    const { port } = await proxyBefore(t, { up })
    const socket = connect(port, '127.0.0.1')
    socket.write('GET /up HTTP/1.1\r\nHost: a\r\n\r\n')
    await once(socket, 'data')
    goOn()
    const [error] = await once(socket, 'error')
    assert.equal(error.code, 'ECONNRESET')
  })

  test('and sends more than its answer loses its connection, and nobody gets what it sent', async (t) => {
    const up = await rawUpstream(t, (socket) =>
      socket.on('data', () => socket.write(`${OK}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`)),
    )
    const { port } = await proxyBefore(t, { up })
    for (let round = 0; round < 3; round++) assert.equal((await ask(port, { path: '/up' })).body, 'ok')
    assert.equal(up.connections(), 3)
  })
})

describe('a kept connection that the upstream closes under a request', () => {
  /** Answers the first request on each connection, and resets it at the second. */
  const closing = (t: TestContext, end: 'resetAndDestroy' | 'destroy', beforeMs?: string) =>
    rawUpstream(t, (socket) => {
      let requests = 0
      socket.on('data', () => {
        if (++requests === 1) socket.write(OK)
        else {
          if (beforeMs !== undefined) socket.write(beforeMs)
          socket[end]()
        }
      })
    })

  for (const end of ['resetAndDestroy', 'destroy'] as const) {
    test(`is repeated on a fresh one for a safe method (${end})`, async (t) => {
      const up = await closing(t, end)
      const { port } = await proxyBefore(t, { up })
      for (const method of ['GET', 'GET', 'OPTIONS', 'HEAD']) assert.equal((await ask(port, { method, path: '/up' })).status, 200)
      assert.equal(up.connections(), 4)
    })
  }

  for (const method of ['POST', 'PUT', 'DELETE']) {
    test(`is not repeated for ${method}: 502, perhaps executed`, async (t) => {
      const up = await closing(t, 'destroy')
      const { port } = await proxyBefore(t, { up })
      assert.equal((await ask(port, { path: '/up' })).status, 200)
      const answer = await ask(port, { method, path: '/up' })
      assert.deepEqual([answer.status, answer.headers['x-seaworthy-executed']], [502, 'maybe'])
      assert.equal(up.connections(), 1)
    })
  }

  test('is not repeated when a byte of an answer was there', async (t) => {
    const up = await closing(t, 'destroy', 'H')
    const { port } = await proxyBefore(t, { up })
    assert.equal((await ask(port, { path: '/up' })).status, 200)
    assert.equal((await ask(port, { path: '/up' })).status, 502)
    assert.equal(up.connections(), 1)
  })

  test('a fresh one that is closed at once is not tried again', async (t) => {
    const up = await rawUpstream(t, (socket) => socket.once('data', () => socket.destroy()))
    const { port } = await proxyBefore(t, { up })
    assert.equal((await ask(port, { path: '/up' })).status, 502)
    assert.equal(up.connections(), 1)
  })

  test('is not used any more a second before the upstream says that it closes it', async (t) => {
    const up = await rawUpstream(t, (socket) =>
      socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 2\r\n\r\nok')),
    )
    const { port } = await proxyBefore(t, { up })
    for (let round = 0; round < 2; round++) assert.equal((await ask(port, { path: '/up' })).status, 200)
    assert.equal(up.connections(), 2)
  })
})

describe('limits', () => {
  test('connections to an upstream are so many; the next queue, and more than may queue get 503', async (t) => {
    const finish: (() => void)[] = []
    const up = await upstream(t, (request, response) => {
      request.resume()
      finish.push(() => response.end('done'))
    })
    const { port } = await proxyBefore(t, { up }, { limits: { upstreamConnectionsMax: 2, queueMax: 1 } })
    const first = [1, 2, 3].map(() => ask(port, { path: '/up' }))
    await until(() => finish.length === 2, 'two run')
    // The third waits; it may still be on its way to the proxy.
    const more = await Promise.race([1, 2].map(() => ask(port, { path: '/up' })))
    assert.deepEqual([more.status, more.headers['retry-after'], more.headers['x-seaworthy-executed']], [503, '1', 'no'])
    assert.match(String(more.json['detail']), /All 2 connections to up are busy, and 1 requests queue/)
    const ending = setInterval(() => finish.splice(0).forEach((each) => each()), 1)
    t.after(() => clearInterval(ending))
    for (const answer of await Promise.all(first)) assert.equal(answer.status, 200)
  })

  test('a request does not queue for ever', async (t) => {
    const up = await upstream(t, (request) => request.resume())
    const { port } = await proxyBefore(t, { up }, { limits: { upstreamConnectionsMax: 1, queueTimeoutMs: 50 } })
    const socket = connect(port, '127.0.0.1').on('error', () => {})
    t.after(() => socket.destroy())
    socket.write('GET /up HTTP/1.1\r\nHost: a\r\n\r\n')
    await until(() => up.received.length === 1, 'the first arrives')
    const answer = await ask(port, { path: '/up' })
    assert.deepEqual([answer.status, answer.headers['x-seaworthy-executed']], [504, 'no'])
  })

  for (const [what, bytes, status] of [
    ['head', 'GET /up HTTP/1.1\r\nHost: a\r\nX-Slow', 408],
    ['body', 'POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf', 408],
  ] as const) {
    test(`a client that sends its ${what} too slowly gets ${status}`, async (t) => {
      const up = await upstream(t)
      const { port } = await proxyBefore(t, { up }, { limits: { headersTimeoutMs: 50, requestTimeoutMs: 50 } })
      const { text } = await raw(port, bytes)
      assert.match(text, new RegExp(`^HTTP/1\\.1 ${status} [^]*connection: close`))
      assert.equal(up.received.length, 0)
    })
  }

  test('a head that comes byte by byte has no more time than one at once', async (t) => {
    const up = await upstream(t)
    const { port } = await proxyBefore(t, { up }, { limits: { headersTimeoutMs: 60 } })
    const socket = connect(port, '127.0.0.1').on('error', () => {})
    socket.write('GET /up HTTP/1.1\r\nHost: a\r\nX-Slow: ')
    const dripping = setInterval(() => socket.write('x'), 5)
    t.after(() => clearInterval(dripping))
    const [first] = await once(socket, 'data')
    assert.match(String(first), /^HTTP\/1\.1 408 /)
  })

  test('a connection that says nothing, and one that is kept for nothing, are closed', async (t) => {
    const up = await upstream(t)
    const { port } = await proxyBefore(t, { up }, { limits: { headersTimeoutMs: 50, keepAliveTimeoutMs: 50 } })
    assert.equal((await raw(port, '')).text, '')
    const { text, error } = await raw(port, 'GET /up HTTP/1.1\r\nHost: a\r\n\r\n')
    assert.match(text, /^HTTP\/1\.1 200 /)
    assert.equal(error, undefined)
  })

  test('a body that is too large gets 413, before or as it turns out, and leaves the connection in step if it can', async (t) => {
    const up = await upstream(t, (request) => request.on('error', () => {}))
    const { port } = await proxyBefore(t, { up }, { limits: { bodyBytesMax: 1_000 } })
    const declared = await ask(port, { method: 'POST', path: '/up', body: Buffer.alloc(1_001) })
    assert.deepEqual([declared.status, declared.headers['x-seaworthy-executed']], [413, 'no'])
    const turnedOut = await ask(port, {
      method: 'POST',
      path: '/up',
      body: Buffer.alloc(1_001),
      headers: { 'transfer-encoding': 'chunked' },
    })
    assert.equal(turnedOut.status, 413)
    assert.equal(up.received.length, 0)
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    t.after(() => agent.destroy())
    for (let round = 0; round < 2; round++)
      assert.equal((await ask(port, { method: 'POST', path: '/nothing', body: 'x'.repeat(900), agent })).status, 404)
  })
})

describe('the proxy that stops', () => {
  test('finishes what is in flight, closes, and takes no more', async (t) => {
    let finish = () => {}
    const up = await upstream(t, (request, response) => {
      request.resume()
      finish = () => response.end('done')
    })
    const { proxy, port } = await proxyBefore(t, { up }, { limits: { drainTimeoutMs: 5_000 } })
    const agent = new Agent({ keepAlive: true })
    t.after(() => agent.destroy())
    const asked = ask(port, { path: '/up', agent })
    await until(() => up.received.length === 1, 'it arrives')
    const drained = proxy.drain()
    finish()
    const answer = await asked
    assert.deepEqual([answer.body, answer.headers.connection], ['done', 'close'])
    await drained
    await assert.rejects(ask(port, { path: '/up' }), /ECONNREFUSED/)
  })

  test('answers what does not finish in time, and leaves no connection behind', async (t) => {
    const up = await upstream(t, (request) => request.resume())
    const { proxy, port } = await proxyBefore(t, { up }, { limits: { drainTimeoutMs: 50 } })
    const asked = ask(port, { method: 'POST', path: '/up', body: 'x' })
    await until(() => up.received.length === 1, 'it arrives')
    await proxy.drain()
    const answer = await asked
    assert.deepEqual([answer.status, answer.headers['x-seaworthy-executed']], [502, 'maybe'])
  })
})
