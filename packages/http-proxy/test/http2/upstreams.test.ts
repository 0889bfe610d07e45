import assert from 'node:assert/strict'
import { once } from 'node:events'
import { constants, type ServerHttp2Stream } from 'node:http2'
import { connect, createServer, type Socket } from 'node:net'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { ask, proxyBefore, raw, until } from '../rig.ts'
import { answerOf, askStream, client, echoStream, streamUpstream } from './rig.ts'

const { NGHTTP2_CANCEL, NGHTTP2_INTERNAL_ERROR, NGHTTP2_NO_ERROR, NGHTTP2_REFUSED_STREAM } = constants

describe('an upstream that speaks HTTP/2', () => {
  test('gets requests of HTTP/1.1 and of HTTP/2 on one connection', async (t) => {
    const up = await streamUpstream(t)
    const { port } = await proxyBefore(t, { up })
    const session = client(t, port)
    const big = 'x'.repeat(300_000)
    const answers = await Promise.all([
      ask(port, { path: '/up/1?a=%2F..', headers: { host: 'shop.example', 'x-a': ['1', '2'] } }),
      ask(port, { method: 'POST', path: '/up/2', body: big }),
      ask(port, { method: 'POST', path: '/up/3', body: 'chunks', headers: { 'transfer-encoding': 'chunked' } }),
      askStream(session, { headers: { ':method': 'PUT', ':path': '/up/4' }, body: big }),
    ])
    assert.deepEqual(
      answers.map(({ status, body }) => [status, JSON.parse(body).bytes]),
      [
        [200, 0],
        [200, big.length],
        [200, 6],
        [200, big.length],
      ],
    )
    assert.equal(up.sessions.length, 1)
    const { headers } = up.received.find((each) => each.headers.includes('/up/1?a=%2F..'))!
    const of = (name: string) => headers.filter((_, index) => index % 2 === 1 && headers[index - 1] === name)
    assert.deepEqual([of(':authority'), of('host'), of('x-forwarded-host'), of('x-a')], [[up.url.host], [], ['shop.example'], ['1', '2']])
    assert.deepEqual([of('connection'), of('transfer-encoding')], [[], []])
  })

  test('answers of every kind arrive as they are, in both versions', async (t) => {
    const up = await streamUpstream(t, (stream, headers) => {
      const path = headers[':path']
      if (path === '/up/204') stream.respond({ ':status': 204 }, { endStream: true })
      else if (path === '/up/length') stream.respond({ ':status': 200, 'content-length': 5 })
      else if (path === '/up/nothing') stream.respond({ ':status': 200 }, { endStream: true })
      else {
        stream.additionalHeaders({ ':status': 103, link: '</a>' })
        stream.respond({ ':status': 200, trailer: 'x-end', 'set-cookie': ['a=1', 'b=2'] }, { waitForTrailers: true })
        stream.on('wantTrailers', () => stream.sendTrailers({ 'x-end': 'yes' }))
      }
      if (!stream.writableEnded) stream.end('hello')
    })
    const { port } = await proxyBefore(t, { up })
    const session = client(t, port)
    const both = async (path: string, method = 'GET') => [
      await ask(port, { path, method }),
      await askStream(session, { headers: { ':path': path, ':method': method } }),
    ]
    for (const { status, body, headers } of await both('/up'))
      assert.deepEqual([status, body, headers['set-cookie']], [200, 'hello', ['a=1', 'b=2']])
    for (const { status, body } of await both('/up/204')) assert.deepEqual([status, body], [204, ''])
    for (const { status, body } of await both('/up/nothing')) assert.deepEqual([status, body], [200, ''])
    for (const { headers, body } of await both('/up/length')) assert.deepEqual([headers['content-length'], body], ['5', 'hello'])
    for (const { headers, body } of await both('/up/length', 'HEAD')) assert.deepEqual([headers['content-length'], body], ['5', ''])
    const { text } = await raw(port, 'GET /up HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    assert.match(text, /^HTTP\/1\.1 103 \r\nlink: <\/a>\r\n\r\nHTTP\/1\.1 200 [^]*5\r\nhello\r\n0\r\nx-end: yes\r\n\r\n$/)
    const streamed = await askStream(session, { headers: { ':path': '/up' } })
    assert.deepEqual([streamed.trailers['x-end'], streamed.interim.length], ['yes', 1])
  })

  test('gets no more requests at once than it says, and the others wait for their turn', async (t) => {
    const waiting: ServerHttp2Stream[] = []
    let most = 0
    const up = await streamUpstream(
      t,
      (stream) => {
        most = Math.max(most, waiting.push(stream))
      },
      { maxConcurrentStreams: 2 },
    )
    const { port } = await proxyBefore(t, { up }, { limits: { upstreamSessionsMax: 1 } })
    const asked = Promise.all(Array.from({ length: 5 }, () => ask(port, { path: '/up' })))
    for (let answered = 0; answered < 5; answered++) {
      await until(() => waiting.length > 0, 'a request arrives')
      const stream = waiting.shift()!
      stream.respond({ ':status': 200 })
      stream.end('ok')
    }
    assert.deepEqual(
      (await asked).map(({ status }) => status),
      [200, 200, 200, 200, 200],
    )
    assert.deepEqual([most, up.sessions.length], [2, 1])
  })

  test('that has no room on one connection gets another', async (t) => {
    const waiting: ServerHttp2Stream[] = []
    const up = await streamUpstream(t, (stream) => void waiting.push(stream), { maxConcurrentStreams: 2 })
    const { port } = await proxyBefore(t, { up })
    // The first connection tells how many it takes.
    const first = ask(port, { path: '/up' })
    await until(() => waiting.length === 1, 'the first')
    const others = Array.from({ length: 3 }, () => ask(port, { path: '/up' }))
    await until(() => waiting.length === 4, 'all four')
    assert.equal(up.sessions.length, 2)
    for (const stream of waiting) stream.respond({ ':status': 200 }, { endStream: true })
    for (const { status } of await Promise.all([first, ...others])) assert.equal(status, 200)
  })
})

describe('an upstream that speaks HTTP/2 and fails', () => {
  test('refuses a request: it was not executed, and is sent again, even one that changes something', async (t) => {
    let asked = 0
    const up = await streamUpstream(t, (stream, headers) => {
      if (++asked === 1) stream.close(NGHTTP2_REFUSED_STREAM)
      else echoStream(stream, headers)
    })
    const { port } = await proxyBefore(t, { up })
    assert.equal((await ask(port, { method: 'POST', path: '/up', body: 'x' })).status, 200)
    assert.equal(asked, 2)
  })

  test('refuses always: 503, surely not executed', async (t) => {
    const up = await streamUpstream(t, (stream) => stream.close(NGHTTP2_REFUSED_STREAM))
    const { port } = await proxyBefore(t, { up })
    const answer = await ask(port, { method: 'POST', path: '/up', body: 'x' })
    assert.deepEqual([answer.status, answer.headers['x-seaworthy-executed']], [503, 'no'])
  })

  test('says GOAWAY: what it has it finishes, and the next request is for another connection', async (t) => {
    const waiting: ServerHttp2Stream[] = []
    const up = await streamUpstream(t, (stream, headers) => {
      if (headers[':path'] === '/up/wait') waiting.push(stream)
      else stream.respond({ ':status': 200 }, { endStream: true })
    })
    const { port } = await proxyBefore(t, { up })
    const first = ask(port, { path: '/up/wait' })
    await until(() => waiting.length === 1, 'the request arrives')
    up.sessions[0]!.close()
    await until(() => up.sessions[0]!.closed, 'it closes')
    await until(() => true, 'a turn')
    assert.equal((await ask(port, { path: '/up' })).status, 200)
    waiting[0]!.respond({ ':status': 200 })
    waiting[0]!.end('finished')
    assert.equal((await first).body, 'finished')
  })

  test('says GOAWAY of a request that it did not look at: it is sent again', async (t) => {
    let asked = 0
    const up = await streamUpstream(t, (stream, headers) => {
      if (++asked === 2) stream.session!.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, 1)
      else echoStream(stream, headers)
    })
    const { port } = await proxyBefore(t, { up })
    assert.equal((await ask(port, { path: '/up' })).status, 200)
    assert.equal((await ask(port, { method: 'POST', path: '/up', body: 'x' })).status, 200)
    assert.equal(up.sessions.length, 2)
  })

  test('resets a request: perhaps executed', async (t) => {
    const up = await streamUpstream(t, (stream) => stream.close(NGHTTP2_INTERNAL_ERROR))
    const { port } = await proxyBefore(t, { up })
    const answer = await ask(port, { method: 'POST', path: '/up', body: 'x' })
    assert.deepEqual([answer.status, answer.headers['x-seaworthy-executed']], [502, 'maybe'])
  })

  for (const code of [NGHTTP2_NO_ERROR, NGHTTP2_CANCEL, NGHTTP2_INTERNAL_ERROR]) {
    test(`resets an answer in its middle (${code}): a broken transfer, never a clean end`, async (t) => {
      let break_ = () => {}
      const up = await streamUpstream(t, (stream) => {
        // Otherwise Node ends the stream before it resets it.
        stream.respond({ ':status': 200 }, { waitForTrailers: true })
        stream.write('half')
        // A close without an error would end it first.
        break_ = () => (code === NGHTTP2_NO_ERROR ? stream.destroy() : stream.close(code))
      })
      const { port } = await proxyBefore(t, { up })
      const socket = connect(port, '127.0.0.1')
      socket.write('GET /up HTTP/1.1\r\nHost: a\r\n\r\n')
      const [first] = await once(socket, 'data')
      assert.match(String(first), /half/)
      break_()
      const [error] = await once(socket, 'error')
      assert.equal(error.code, 'ECONNRESET')
      const stream = client(t, port).request({ ':path': '/up' })
      const answer = answerOf(stream)
      await once(stream, 'data')
      break_()
      assert.deepEqual([(await answer).code, (await answer).body], [NGHTTP2_INTERNAL_ERROR, 'half'])
    })
  }

  test('a client that leaves resets the stream alone', async (t) => {
    let [arrived, closed] = [0, 0]
    const up = await streamUpstream(t, (stream, headers) => {
      if (headers[':path'] === '/up/wait') stream.on('close', () => closed++)
      else stream.respond({ ':status': 200 }, { endStream: true })
      arrived++
    })
    const { port } = await proxyBefore(t, { up })
    const waiting = client(t, port)
      .request({ ':path': '/up/wait' })
      .on('error', () => {})
    await until(() => arrived === 1, 'the request arrives')
    waiting.close(NGHTTP2_CANCEL)
    await until(() => closed === 1, 'the upstream hears of it')
    assert.equal((await ask(port, { path: '/up' })).status, 200)
    assert.equal(up.sessions.length, 1)
  })

  test('never takes what came of a body for the whole, when the client leaves in its middle', async (t) => {
    let [ended, aborted, bytes] = [0, 0, 0]
    const up = await streamUpstream(t, (stream) => {
      stream
        .on('data', (chunk: Buffer) => (bytes += chunk.length))
        .on('end', () => (ended += stream.closed ? 0 : 1))
        .on('aborted', () => aborted++)
    })
    const { port } = await proxyBefore(t, { up })
    const old = connect(port, '127.0.0.1')
    old.write('POST /up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n')
    await until(() => bytes === 4, 'half of one body')
    old.destroy()
    await until(() => aborted === 1, 'the upstream hears of it')
    const stream = client(t, port).request({ ':method': 'POST', ':path': '/up' }, { waitForTrailers: true })
    stream.on('error', () => {}).write('half')
    await until(() => bytes === 8, 'half of the other')
    stream.close(NGHTTP2_CANCEL)
    await until(() => aborted === 2, 'the upstream hears of it')
    assert.equal(ended, 0)
  })

  test('and whose connection dies: all that waited for room on it go on over another', async (t) => {
    const waiting: ServerHttp2Stream[] = []
    const up = await streamUpstream(
      t,
      (stream) => {
        if (up.sessions.length === 1) waiting.push(stream)
        else stream.respond({ ':status': 200 }, { endStream: true })
      },
      { maxConcurrentStreams: 3 },
    )
    const { port } = await proxyBefore(t, { up }, { limits: { upstreamSessionsMax: 1 } })
    const asked = Promise.all(Array.from({ length: 12 }, () => ask(port, { method: 'POST', path: '/up', body: 'x' })))
    await until(() => waiting.length === 3, 'as many as there is room for')
    up.sessions[0]!.destroy()
    const statuses = (await asked).map(({ status }) => status).toSorted((one, other) => one - other)
    assert.deepEqual(statuses, [...Array.from({ length: 9 }, () => 200), 502, 502, 502])
  })

  test('does not keep requests longer because more of them come while nobody answers', async (t) => {
    const silent = createServer((socket) => socket.on('error', () => {}).resume())
    silent.listen(0, '127.0.0.1')
    await once(silent, 'listening')
    t.after(() => void silent.close())
    const url = new URL(`http://127.0.0.1:${(silent.address() as { port: number }).port}`)
    const { port } = await proxyBefore(t, { up: { url, protocol: 'h2' } }, { limits: { connectTimeoutMs: 60 } })
    const first = ask(port, { path: '/up' })
    const others: Promise<unknown>[] = []
    let answer: { readonly status: number } | undefined
    while (answer === undefined) {
      others.push(ask(port, { path: '/up' }))
      assert.ok(others.length < 400, 'the first one waits with all the others')
      answer = await Promise.race([first, delay(5, undefined)])
    }
    assert.equal(answer.status, 503)
    await Promise.all(others)
  })

  test('is another protocol, or nobody: 503, and nothing was sent', async (t) => {
    const silent = createServer((socket) => socket.on('error', () => {}).resume())
    const other = createServer((socket) => socket.on('error', () => {}).end('HTTP/1.1 400 Bad Request\r\n\r\n'))
    const urls = []
    for (const server of [silent, other]) {
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      t.after(() => void server.close())
      urls.push(new URL(`http://127.0.0.1:${(server.address() as { port: number }).port}`))
    }
    const away = new URL('http://127.0.0.1:1')
    for (const url of [...urls, away]) {
      const { port } = await proxyBefore(t, { up: { url, protocol: 'h2' } }, { limits: { connectTimeoutMs: 40 } })
      const answer = await ask(port, { method: 'POST', path: '/up', body: 'x' })
      assert.deepEqual([answer.status, answer.headers['x-seaworthy-executed']], [503, 'no'])
    }
  })

  test('a connection on which nobody answers any more is given up, and the next request gets another', async (t) => {
    const up = await streamUpstream(t, (stream) => stream.respond({ ':status': 200 }, { endStream: true }))
    const lanes: Socket[] = []
    const between = createServer((socket) => {
      const lane = connect(Number(up.url.port), '127.0.0.1').on('error', () => {})
      socket.on('close', () => lane.destroy())
      lanes.push(socket.on('error', () => {}))
      socket.pipe(lane).pipe(socket)
    })
    between.listen(0, '127.0.0.1')
    await once(between, 'listening')
    t.after(() => void between.close())
    const url = new URL(`http://127.0.0.1:${(between.address() as { port: number }).port}`)
    const { port } = await proxyBefore(t, { up: { url, protocol: 'h2' } }, { limits: { answerTimeoutMs: 400, connectTimeoutMs: 400 } })
    assert.equal((await ask(port, { path: '/up' })).status, 200)
    lanes[0]!.unpipe().pause()
    assert.equal((await ask(port, { path: '/up' })).status, 504)
    await once(lanes[0]!.resume(), 'close')
    assert.equal((await ask(port, { path: '/up' })).status, 200)
    assert.equal(lanes.length, 2)
  })
})
