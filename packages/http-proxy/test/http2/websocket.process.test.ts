import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type ClientHttp2Session, type ClientHttp2Stream, constants, type OutgoingHttpHeaders } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { describe, test, type TestContext } from 'node:test'
import { WebSocketServer } from 'ws'
import { acceptFor } from '../../src/websocket.ts'
import { proxyBefore, raw, rawUpstream, until, untilStill, upstream } from '../rig.ts'
import { answerOf, askStream, client, streamUpstream } from './rig.ts'

const { NGHTTP2_CANCEL } = constants

const CONNECT: OutgoingHttpHeaders = { ':method': 'CONNECT', ':protocol': 'websocket', ':path': '/up', 'sec-websocket-version': '13' }

/** A client's connection, on which it may ask for a WebSocket. */
async function sessionTo(t: TestContext, port: number): Promise<ClientHttp2Session> {
  const session = client(t, port)
  await once(session, 'remoteSettings')
  assert.equal(session.remoteSettings.enableConnectProtocol, true)
  return session
}

/** What a client has of its tunnel. */
class Tunnel {
  readonly stream: ClientHttp2Stream
  status = 0
  headers: Readonly<Record<string, unknown>> = {}
  text = ''
  bytes = 0
  hasEnded = false
  isClosed = false

  constructor(session: ClientHttp2Session, headers: OutgoingHttpHeaders = {}) {
    this.stream = session
      .request({ ...CONNECT, ...headers }, { endStream: false })
      .on('response', (each) => {
        this.status = Number(each[':status'])
        this.headers = each
      })
      .on('data', (chunk: Buffer) => {
        this.bytes += chunk.length
        // Of a flood, its length says enough.
        if (this.bytes <= 2_000_000) this.text += chunk.toString()
      })
      .on('end', () => (this.hasEnded = true))
      .on('close', () => (this.isClosed = true))
      .on('error', () => {})
  }
}

const headOf = (key: string | undefined, rest = '') =>
  `HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${acceptFor(`sec-websocket-key: ${key}\r\n`)}\r\n\r\n${rest}`

/** An upstream that agrees to every WebSocket, and hands over its connections. */
async function agreeing(
  t: TestContext,
  { rest = '', onOpen, allowHalfOpen = false }: { rest?: string; onOpen?: (socket: Socket) => void; allowHalfOpen?: boolean } = {},
) {
  const sockets: Socket[] = []
  const agree = (socket: Socket) =>
    socket.once('data', (chunk: Buffer) => {
      socket.write(headOf(/sec-websocket-key: (\S+)/i.exec(chunk.toString('latin1'))?.[1], rest))
      sockets.push(socket)
      onOpen?.(socket)
    })
  return { up: await rawUpstream(t, agree, { allowHalfOpen }), sockets }
}

/** A text of up to 125 bytes as a client frames it (RFC 6455, section 5.2), with a mask that changes nothing. */
const masked = (text: string) => Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)])

describe('WebSocket over HTTP/2', () => {
  test('is asked for by Upgrade of an upstream that speaks HTTP/1.1, and passes both ways', async (t) => {
    const up = await upstream(t)
    const server = new WebSocketServer({ server: up.server, handleProtocols: () => 'chat' })
    t.after(() => server.close())
    const asked = once(server, 'connection')
    const { port } = await proxyBefore(t, { up })
    const tunnel = new Tunnel(await sessionTo(t, port), { 'sec-websocket-protocol': 'chat', 'sec-websocket-key': 'of no use' })
    const [far, request] = await asked
    far.on('message', (data: Buffer) => far.send(`${String(data)} to you`))
    tunnel.stream.write(masked('hello'))
    await until(() => tunnel.text.includes('hello to you'), 'the answer')
    assert.equal(tunnel.status, 200)
    assert.equal(tunnel.headers['sec-websocket-protocol'], 'chat')
    assert.equal(tunnel.headers['sec-websocket-accept'], undefined)
    assert.match(String(tunnel.headers['x-correlation-id']), /./)
    const { method, url, headers } = request as { method: string; url: string; headers: Record<string, string> }
    assert.deepEqual([method, url, headers['sec-websocket-version']], ['GET', '/up', '13'])
    assert.equal(Buffer.from(headers['sec-websocket-key']!, 'base64').length, 16)
    far.terminate()
  })

  test('that is refused is an answer like any other, and what was said already goes nowhere', async (t) => {
    const up = await upstream(t, (_request, response) => response.writeHead(403).end('no'))
    const { port } = await proxyBefore(t, { up })
    const session = await sessionTo(t, port)
    const stream = session.request(CONNECT, { endStream: false })
    stream.write('early')
    const { status, body } = await answerOf(stream)
    assert.deepEqual([status, body], [403, 'no'])
    assert.equal((await askStream(session, { headers: { ':path': '/up' } })).status, 403)
    assert.deepEqual(
      up.received.map(({ body: received }) => received),
      ['', ''],
    )
  })

  for (const [what, answer] of [
    ['200', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'],
    ['200 of a body that does not end', 'HTTP/1.1 200 OK\r\n\r\nok'],
    ['a proof of another key', headOf('dGhlIHNhbXBsZSBub25jZQ==', 'evil')],
    ['no proof', 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nevil'],
    ['another protocol', 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: evil\r\n\r\nevil'],
  ] as const) {
    test(`is not opened by ${what}`, async (t) => {
      let closed = 0
      const up = await rawUpstream(t, (socket) => socket.on('close', () => closed++).once('data', () => socket.write(answer)))
      const { port } = await proxyBefore(t, { up })
      const { status, body } = await answerOf((await sessionTo(t, port)).request(CONNECT, { endStream: false }))
      assert.equal(status, 502)
      assert.doesNotMatch(body, /evil/)
      if (what !== '200') await until(() => closed === 1, 'the upstream is left')
    })
  }

  test('loses no bytes that came before the switch or with it', async (t) => {
    const { up } = await agreeing(t, { rest: 'welcome', onOpen: (socket) => socket.on('data', (chunk) => socket.write(chunk)) })
    const { port } = await proxyBefore(t, { up })
    const tunnel = new Tunnel(await sessionTo(t, port))
    tunnel.stream.write('early')
    await until(() => tunnel.text === 'welcomeearly', 'both')
  })

  test('passes on the end of either side, and what was sent before it', async (t) => {
    let said = ''
    let hasEnded = false
    const onOpen = (socket: Socket) => socket.on('data', (chunk: Buffer) => (said += chunk.toString())).on('end', () => (hasEnded = true))
    const { up, sockets } = await agreeing(t, { onOpen, allowHalfOpen: true })
    const { port } = await proxyBefore(t, { up })
    const tunnel = new Tunnel(await sessionTo(t, port))
    tunnel.stream.end('last words')
    await until(() => hasEnded, 'the end at the upstream')
    assert.equal(said, 'last words')
    assert.equal(tunnel.isClosed, false)
    const much = 'x'.repeat(1_000_000)
    sockets[0]!.end(much)
    await until(() => tunnel.isClosed, 'the end at the client')
    assert.deepEqual([tunnel.text.length, tunnel.hasEnded, tunnel.stream.rstCode], [much.length, true, 0])
  })

  test('ends on both sides when either breaks', async (t) => {
    const { up, sockets } = await agreeing(t)
    const { port } = await proxyBefore(t, { up })
    const session = await sessionTo(t, port)
    const one = new Tunnel(session)
    await until(() => one.status === 200, 'the first')
    let closed = false
    sockets[0]!.on('close', () => (closed = true)).resume()
    one.stream.close(NGHTTP2_CANCEL)
    await until(() => closed, 'the upstream hears of it')
    const other = new Tunnel(session)
    await until(() => other.status === 200, 'the second')
    sockets[1]!.resetAndDestroy()
    await until(() => other.isClosed, 'the client hears of it')
    assert.equal(other.stream.rstCode, NGHTTP2_CANCEL)
  })

  test('that is left before the upstream answered is left at the upstream', async (t) => {
    let asked = 0
    let closed = 0
    const up = await rawUpstream(t, (socket) => socket.on('close', () => closed++).on('data', () => asked++))
    const { port } = await proxyBefore(t, { up })
    const tunnel = new Tunnel(await sessionTo(t, port))
    await until(() => asked === 1, 'the request')
    tunnel.stream.close(NGHTTP2_CANCEL)
    await until(() => closed === 1, 'the upstream hears of it')
  })

  test('keeps who sends waiting for who does not read, both ways', async (t) => {
    const { up, sockets } = await agreeing(t)
    const { port } = await proxyBefore(t, { up })
    const tunnel = new Tunnel(await sessionTo(t, port))
    await until(() => tunnel.status === 200, 'the switch')
    const [far] = sockets
    const LOTS = Buffer.alloc(16 << 20)
    tunnel.stream.pause()
    far!.pause()
    far!.write(LOTS)
    tunnel.stream.write(LOTS)
    const waiting = () => far!.writableLength
    await untilStill(waiting)
    assert.ok(waiting() > LOTS.length / 2, `only ${waiting()} bytes wait at the upstream`)
    let received = 0
    far!.on('data', (chunk: Buffer) => (received += chunk.length)).resume()
    tunnel.stream.resume()
    await until(() => received === LOTS.length && tunnel.bytes === LOTS.length, 'all of it', 20_000)
  })

  test('that is silent for too long is closed', async (t) => {
    const { up } = await agreeing(t)
    const { port } = await proxyBefore(t, { up }, { limits: { silenceTimeoutMs: 50 } })
    const tunnel = new Tunnel(await sessionTo(t, port))
    await until(() => tunnel.isClosed, 'the end')
    assert.deepEqual([tunnel.status, tunnel.stream.rstCode], [200, NGHTTP2_CANCEL])
  })

  test('ends with the proxy, and does not outlast its drain', async (t) => {
    const { up } = await agreeing(t)
    const { port, proxy } = await proxyBefore(t, { up }, { limits: { drainTimeoutMs: 50 } })
    const tunnel = new Tunnel(await sessionTo(t, port))
    await until(() => tunnel.status === 200, 'the switch')
    await proxy.drain()
    await until(() => tunnel.isClosed, 'the end')
  })

  test('is refused where there are too many, and taken again when one has ended', async (t) => {
    const { up } = await agreeing(t)
    const { port } = await proxyBefore(t, { up }, { limits: { tunnelsMax: 1 } })
    const session = await sessionTo(t, port)
    const one = new Tunnel(session)
    await until(() => one.status === 200, 'the first')
    const asked = async () => (await answerOf(session.request(CONNECT, { endStream: false }))).status
    assert.equal(await asked(), 503)
    one.stream.close(NGHTTP2_CANCEL)
    await until(() => one.isClosed, 'its end')
    let other = new Tunnel(session)
    await until(() => {
      // The proxy may not have heard of the end yet.
      if (other.status === 503) other = new Tunnel(session)
      return other.status === 200
    }, 'the second')
  })

  for (const [what, headers, endStream, status] of [
    ['another protocol', { ...CONNECT, ':protocol': 'connect-udp' }, false, 501],
    ['an end of the stream', CONNECT, true, 400],
    ['a length', { ...CONNECT, 'content-length': '5' }, false, 400],
    ['a route that there is not', { ...CONNECT, ':path': '/nowhere' }, false, 404],
  ] as const) {
    test(`is refused with ${what}`, async (t) => {
      const { up, sockets } = await agreeing(t)
      const { port } = await proxyBefore(t, { up })
      assert.equal((await answerOf((await sessionTo(t, port)).request(headers, { endStream }))).status, status)
      assert.equal(sockets.length, 0)
    })
  }
})

describe('WebSocket to an upstream that speaks HTTP/2', () => {
  const echoing = (t: TestContext) =>
    streamUpstream(
      t,
      (stream) => {
        stream.respond({ ':status': 200, 'sec-websocket-protocol': 'chat' })
        stream.write('welcome')
        stream.on('data', (chunk: Buffer) => stream.write(chunk)).on('end', () => stream.end())
      },
      { enableConnectProtocol: true },
    )

  test('is asked for by an extended CONNECT, without a key', async (t) => {
    const up = await echoing(t)
    const { port } = await proxyBefore(t, { up })
    const tunnel = new Tunnel(await sessionTo(t, port))
    tunnel.stream.end('hello')
    await until(() => tunnel.isClosed, 'the end')
    assert.deepEqual([tunnel.status, tunnel.text, tunnel.stream.rstCode], [200, 'welcomehello', 0])
    const { headers } = up.received[0]!
    const valueOf = (name: string) => headers.find((_, index) => index % 2 === 1 && headers[index - 1] === name)
    assert.deepEqual([':method', ':protocol', ':path', 'sec-websocket-version', 'sec-websocket-key', 'upgrade'].map(valueOf), [
      'CONNECT',
      'websocket',
      '/up',
      '13',
      undefined,
      undefined,
    ])
  })

  test('is opened for a client of HTTP/1.1 with the proof that it asked for', async (t) => {
    const up = await echoing(t)
    const { port } = await proxyBefore(t, { up })
    const socket = connect(port, '127.0.0.1').on('error', () => {})
    t.after(() => socket.destroy())
    let text = ''
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()))
    socket.write(
      'GET /up HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\nearly',
    )
    await until(() => /\r\n\r\n.*early/.test(text), 'the answer')
    assert.match(text, /^HTTP\/1\.1 101 Switching Protocols\r\n/)
    assert.match(text, /\r\nsec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n/)
    assert.match(text, /\r\nsec-websocket-protocol: chat\r\n/)
    assert.match(text, /\r\n\r\nwelcomeearly$/)
    const closed = once(socket, 'close')
    up.sessions[0]!.destroy()
    await closed
  })

  test('breaks off where the upstream does', async (t) => {
    const up = await streamUpstream(
      t,
      (stream) => {
        stream.respond({ ':status': 200 })
        stream.once('data', () => stream.close(NGHTTP2_CANCEL))
      },
      { enableConnectProtocol: true },
    )
    const { port } = await proxyBefore(t, { up })
    const tunnel = new Tunnel(await sessionTo(t, port))
    tunnel.stream.write('anything')
    await until(() => tunnel.isClosed, 'the end')
    assert.equal(tunnel.stream.rstCode, NGHTTP2_CANCEL)
  })

  test('that is refused is an answer like any other', async (t) => {
    const up = await streamUpstream(
      t,
      (stream) => {
        stream.respond({ ':status': 404 })
        stream.end('no')
      },
      { enableConnectProtocol: true },
    )
    const { port } = await proxyBefore(t, { up })
    const { status, body } = await answerOf((await sessionTo(t, port)).request(CONNECT, { endStream: false }))
    assert.deepEqual([status, body], [404, 'no'])
  })

  test('is not asked of one that does not announce it: it answers as to any GET', async (t) => {
    const up = await streamUpstream(t)
    const { port } = await proxyBefore(t, { up })
    const { text } = await raw(
      port,
      'GET /up HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\nGET /up HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
    )
    assert.equal(text.match(/HTTP\/1\.1 200 /g)?.length, 2)
    assert.equal((await answerOf((await sessionTo(t, port)).request(CONNECT, { endStream: false }))).status, 502)
  })
})
