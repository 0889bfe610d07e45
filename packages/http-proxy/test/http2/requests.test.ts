import assert from 'node:assert/strict'
import { once } from 'node:events'
import { constants } from 'node:http2'
import { describe, test } from 'node:test'
import { echo, proxyBefore, rawUpstream, until, upstream, valuesOf } from '../rig.ts'
import { answerOf, askStream, client } from './rig.ts'

const { NGHTTP2_CANCEL, NGHTTP2_INTERNAL_ERROR } = constants

describe('a request in HTTP/2, to an upstream that speaks HTTP/1.1', () => {
  test('arrives as one of HTTP/1.1: path and fields as they came, origin and framing anew', async (t) => {
    const up = await upstream(t)
    const { port } = await proxyBefore(t, { up })
    const session = client(t, port)
    const answer = await askStream(session, {
      headers: { ':path': '/up/a?q=%2F..&&', 'x-a': ['1', '2'], cookie: ['a=1', 'b=2'], 'x-forwarded-for': '6.6.6.6', te: 'trailers' },
    })
    assert.deepEqual([answer.status, answer.headers['content-type']], [200, 'application/json'])
    assert.deepEqual(JSON.parse(answer.body), { method: 'GET', url: '/up/a?q=%2F..&&', bytes: 0 })
    const { rawHeaders } = up.received[0]!
    const of = (name: string) => valuesOf(rawHeaders, name)
    assert.deepEqual(
      [of('x-a'), of('cookie'), of('x-forwarded-for'), of('x-forwarded-host'), of('te'), of('transfer-encoding')],
      [['1', '2'], ['a=1; b=2'], ['127.0.0.1'], [`127.0.0.1:${port}`], [], []],
    )
    assert.equal(answer.headers['x-correlation-id'], of('x-correlation-id')[0])
  })

  test('bodies of known and of unknown length arrive whole, and many requests share the connection', async (t) => {
    const up = await upstream(t)
    const { port } = await proxyBefore(t, { up })
    const session = client(t, port)
    const big = 'x'.repeat(300_000)
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, index) => {
        const body = index % 2 === 0 ? big : 'small'
        const length = index % 4 < 2 ? { 'content-length': body.length } : {}
        return askStream(session, { headers: { ':method': 'POST', ':path': '/up', ...length }, body })
      }),
    )
    for (const [index, { status, body }] of answers.entries())
      assert.deepEqual([status, JSON.parse(body).bytes], [200, index % 2 === 0 ? big.length : 5])
  })

  test('HEAD, 204, 304 and a long answer come as they are', async (t) => {
    const big = 'y'.repeat(300_000)
    const up = await upstream(t, (request, response) => {
      if (request.url === '/up/204') response.writeHead(204).end()
      else if (request.url === '/up/304') response.writeHead(304, { etag: '"1"', 'content-length': 5 }).end()
      else if (request.url === '/up/twice')
        response
          .writeHead(
            200,
            [
              ['location', 'a'],
              ['location', 'b'],
              ['content-length', '0'],
            ].flat(),
          )
          .end()
      else response.writeHead(200, { 'content-length': big.length }).end(big)
    })
    const { port } = await proxyBefore(t, { up })
    const session = client(t, port)
    const get = (path: string, method = 'GET') => askStream(session, { headers: { ':method': method, ':path': path } })
    const head = await get('/up', 'HEAD')
    assert.deepEqual([head.status, head.headers['content-length'], head.body], [200, '300000', ''])
    assert.equal((await get('/up/204')).status, 204)
    const notModified = await get('/up/304')
    assert.deepEqual([notModified.status, notModified.headers.etag], [304, '"1"'])
    assert.equal((await get('/up')).body, big)
    assert.deepEqual([(await get('/up/twice')).status, (await get('/elsewhere', 'HEAD')).status], [200, 404])
  })

  test('trailers pass both ways, and 103 before the answer', async (t) => {
    const up = await rawUpstream(t, (socket) => {
      let received = ''
      socket.on('data', (chunk: Buffer) => {
        received += chunk.toString()
        if (!received.endsWith('0\r\nx-sum: 7\r\n\r\n')) return
        socket.write('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n')
        socket.write('HTTP/1.1 200 OK\r\nTrailer: x-end\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-End: yes\r\n\r\n')
      })
    })
    const { port } = await proxyBefore(t, { up })
    const answer = await askStream(client(t, port), {
      headers: { ':method': 'POST', ':path': '/up', trailer: 'x-sum' },
      body: 'body',
      trailers: { 'x-sum': '7', 'x-forwarded-for': '6.6.6.6' },
    })
    assert.deepEqual([answer.status, answer.body, answer.trailers['x-end'], answer.headers['trailer']], [200, 'ok', 'yes', 'x-end'])
    assert.deepEqual(
      answer.interim.map((each) => [each[':status'], each['link']]),
      [[103, '</a>']],
    )
  })

  test('the body waits for 100 Continue, which the upstream says', async (t) => {
    const up = await rawUpstream(t, (socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 100 Continue\r\n\r\n')
        socket.once('data', (body: Buffer) => socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body.toString()}`))
      })
    })
    const { port } = await proxyBefore(t, { up })
    const stream = client(t, port).request({ ':method': 'POST', ':path': '/up', expect: '100-continue', 'content-length': 4 })
    stream.on('continue', () => stream.end('body'))
    const answer = await answerOf(stream)
    assert.deepEqual([answer.status, answer.body], [200, 'body'])
  })
})

describe('what goes wrong on a stream', () => {
  test('a client that resets it is gone for the upstream at once, and other streams go on', async (t) => {
    let closed = false
    const up = await upstream(t, (request, response) => {
      if (request.url === '/up/slow') request.socket.on('close', () => (closed = true))
      else response.end('ok')
    })
    const { port } = await proxyBefore(t, { up })
    const session = client(t, port)
    const slow = session.request({ ':path': '/up/slow' }).on('error', () => {})
    await until(() => up.received.length === 1, 'the request arrives')
    slow.close(NGHTTP2_CANCEL)
    await until(() => closed, 'the upstream hears of it')
    assert.equal((await askStream(session, { headers: { ':path': '/up' } })).status, 200)
  })

  test('a client that leaves altogether ends all its requests', async (t) => {
    let closed = 0
    const up = await upstream(t, (request) => request.socket.on('close', () => closed++))
    const { port } = await proxyBefore(t, { up })
    const session = client(t, port)
    for (let index = 0; index < 3; index++) session.request({ ':path': '/up' }).on('error', () => {})
    await until(() => up.received.length === 3, 'the requests arrive')
    session.destroy()
    await until(() => closed === 3, 'the upstream hears of it')
  })

  test('an upstream that dies in the middle of its answer is INTERNAL_ERROR, never a clean end', async (t) => {
    let break_ = () => {}
    const up = await rawUpstream(t, (socket) => {
      socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n'))
      break_ = () => socket.destroy()
    })
    const { port } = await proxyBefore(t, { up })
    const stream = client(t, port).request({ ':path': '/up' })
    const answer = answerOf(stream)
    await once(stream, 'data')
    break_()
    assert.deepEqual([(await answer).code, (await answer).body], [NGHTTP2_INTERNAL_ERROR, 'hello'])
  })

  test('no upstream is 503 with what is known of the effect', async (t) => {
    const up = await upstream(t)
    await up.stop()
    const { port } = await proxyBefore(t, { up })
    const answer = await askStream(client(t, port), { headers: { ':method': 'POST', ':path': '/up' }, body: 'x' })
    assert.deepEqual([answer.status, answer.headers['x-seaworthy-executed'], JSON.parse(answer.body).code], [503, 'no', 'unavailable'])
  })

  test('a body that is too large is answered 413, before it is there', async (t) => {
    const up = await upstream(t)
    const { port } = await proxyBefore(t, { up }, { limits: { bodyBytesMax: 1_000 } })
    const session = client(t, port)
    const said = session.request({ ':method': 'POST', ':path': '/up', 'content-length': 1_001 })
    assert.equal((await answerOf(said)).status, 413)
    const unsaid = session.request({ ':method': 'POST', ':path': '/up' })
    unsaid.write('x'.repeat(2_000))
    assert.equal((await answerOf(unsaid)).status, 413)
    assert.equal((await askStream(session, { headers: { ':path': '/up' } })).status, 200)
  })

  test('an upstream that answers too late is 504, and is told', async (t) => {
    let closed = false
    const up = await upstream(t, (request) => request.socket.on('close', () => (closed = true)))
    const { port } = await proxyBefore(t, { up }, { limits: { answerTimeoutMs: 40 } })
    const answer = await askStream(client(t, port), { headers: { ':path': '/up' } })
    assert.deepEqual([answer.status, answer.headers['x-seaworthy-executed']], [504, 'maybe'])
    await until(() => closed, 'the upstream hears of it')
  })

  test('a body that does not come is 408', async (t) => {
    const up = await upstream(t, echo)
    const { port } = await proxyBefore(t, { up }, { limits: { requestTimeoutMs: 40 } })
    const stream = client(t, port).request({ ':method': 'POST', ':path': '/up' })
    stream.write('some')
    assert.equal((await answerOf(stream)).status, 408)
  })
})
