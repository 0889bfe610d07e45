import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type ClientHttp2Session, connect, constants } from 'node:http2'
import { describe, test } from 'node:test'
import { FLOOD_BYTES, floodingUpstream, thirstlessUpstream } from '../flood.ts'
import { ask, proxyBefore, rawUpstream, until, untilStill, upstream } from '../rig.ts'
import { answerOf, askStream, client, echoStream, streamUpstream } from './rig.ts'

const { NGHTTP2_CANCEL, NGHTTP2_ENHANCE_YOUR_CALM, NGHTTP2_INTERNAL_ERROR, NGHTTP2_NO_ERROR } = constants

const goawayOf = async (session: ClientHttp2Session): Promise<number> => (await once(session, 'goaway'))[0] as number

describe('a connection of HTTP/2', () => {
  test('holds an upstream back that writes faster than the client reads, and the other streams go on', async (t) => {
    const up = await floodingUpstream(t)
    const other = await upstream(t)
    const { port } = await proxyBefore(t, { up, other })
    const session = client(t, port)
    const stream = session.request({ ':path': '/up' })
    await once(stream, 'response')
    await untilStill(up.written)
    assert.ok(up.written() < FLOOD_BYTES, `${up.written()} bytes went somewhere`)
    assert.equal((await askStream(session, { headers: { ':path': '/other' } })).status, 200)
    const held = up.written()
    stream.on('error', () => {}).resume()
    await until(() => up.written() > held, 'it goes on')
    stream.close(NGHTTP2_CANCEL)
  })

  test('holds a client back that sends faster than the upstream reads', async (t) => {
    const up = await thirstlessUpstream(t)
    const { port } = await proxyBefore(t, { up }, { limits: { bodyBytesMax: FLOOD_BYTES } })
    const stream = client(t, port).request({ ':method': 'POST', ':path': '/up' })
    let written = 0
    const chunk = Buffer.alloc(65_536)
    const write = () => {
      while (written < FLOOD_BYTES) {
        written += chunk.length
        if (!stream.write(chunk)) return void stream.once('drain', write)
      }
      stream.end()
    }
    write()
    await untilStill(() => written)
    assert.ok(written < FLOOD_BYTES, `${written} bytes went somewhere`)
    const held = written
    stream.on('error', () => {})
    await up.drink()
    await until(() => written > held, 'it goes on')
    stream.close(NGHTTP2_CANCEL)
  })

  test('whose client does not take its answer has that stream reset, and its upstream is let go', async (t) => {
    let closed = false
    const up = await floodingUpstream(t)
    up.server.on('connection', (socket) => socket.on('close', () => (closed = true)))
    const { port } = await proxyBefore(t, { up }, { limits: { silenceTimeoutMs: 60 } })
    const session = connect(`http://127.0.0.1:${port}`, { settings: { initialWindowSize: 0 } }).on('error', () => {})
    t.after(() => session.destroy())
    const stream = session.request({ ':path': '/up' })
    assert.equal((await answerOf(stream)).code, NGHTTP2_INTERNAL_ERROR)
    await until(() => closed, 'the upstream is let go')
  })

  test('ends by ENHANCE_YOUR_CALM where a client does nothing but reset, and the upstream gets few of it', async (t) => {
    let asked = 0
    const up = await upstream(t, () => asked++)
    const { port } = await proxyBefore(t, { up }, { limits: { resetsMax: 20, resetsPerSecond: 1 } })
    const session = client(t, port)
    const ended = goawayOf(session)
    for (let round = 0; round < 100 && !session.destroyed; round++) {
      const stream = session.request({ ':path': '/up' }).on('error', () => {})
      stream.close(NGHTTP2_CANCEL)
      await new Promise((resolve) => stream.once('close', resolve))
    }
    assert.equal(await ended, NGHTTP2_ENHANCE_YOUR_CALM)
    assert.ok(asked <= 21, `${asked} requests`)
  })

  test('does not end where a client resets some, and lets as many be answered', async (t) => {
    const up = await upstream(t, (request, response) => {
      if (request.url === '/up') response.end('ok')
    })
    const { port } = await proxyBefore(t, { up }, { limits: { resetsMax: 5, resetsPerSecond: 0.001 } })
    const session = client(t, port)
    for (let round = 0; round < 20; round++) {
      session
        .request({ ':path': '/up/wait' })
        .on('error', () => {})
        .close(NGHTTP2_CANCEL)
      assert.equal((await askStream(session, { headers: { ':path': '/up' } })).status, 200)
    }
    assert.equal(session.destroyed, false)
  })

  test('ends where a client sends nothing but PINGs', async (t) => {
    const up = await upstream(t)
    const { port } = await proxyBefore(t, { up }, { limits: { controlFramesMax: 10, controlFramesPerSecond: 1 } })
    const session = client(t, port)
    const ended = goawayOf(session)
    await once(session, 'connect')
    const ping = () => {
      if (!session.destroyed) session.ping(ping)
    }
    ping()
    assert.equal(await ended, NGHTTP2_ENHANCE_YOUR_CALM)
  })

  test('takes no more requests at once than it says', async (t) => {
    const up = await upstream(t, () => {})
    const { port } = await proxyBefore(t, { up }, { limits: { streamsMax: 3 } })
    const session = client(t, port)
    await once(session, 'remoteSettings')
    assert.equal(session.remoteSettings.maxConcurrentStreams, 3)
    for (let index = 0; index < 5; index++) session.request({ ':path': '/up' }).on('error', () => {})
    await until(() => up.received.length === 3, 'three of them')
    await untilStill(() => up.received.length)
    assert.equal(up.received.length, 3)
  })

  test('answers a head that is a little too large, and resets one that is far too large', async (t) => {
    const up = await upstream(t)
    const { port } = await proxyBefore(t, { up }, { limits: { headerBytesMax: 2_000 } })
    const session = client(t, port)
    const sized = (bytes: number) => askStream(session, { headers: { ':path': '/up', 'x-big': 'x'.repeat(bytes) } })
    assert.deepEqual([(await sized(1_000)).status, (await sized(2_500)).status], [200, 431])
    const refused = await sized(10_000)
    assert.deepEqual([refused.status, refused.code], [0, NGHTTP2_ENHANCE_YOUR_CALM])
    assert.equal(up.received.length, 1)
  })

  test('closes when no request comes: soon at first, later after the time that it is kept', async (t) => {
    const up = await upstream(t)
    const { port } = await proxyBefore(t, { up }, { limits: { headersTimeoutMs: 60, keepAliveTimeoutMs: 120 } })
    const silent = client(t, port)
    await once(silent, 'close')
    const session = client(t, port)
    assert.equal((await askStream(session, { headers: { ':path': '/up' } })).status, 200)
    await once(session, 'close')
  })
})

describe('a proxy that stops', () => {
  test('says GOAWAY, finishes what is on its way, takes what was sent meanwhile, and closes', async (t) => {
    let answer = () => {}
    const up = await upstream(t, (request, response) => {
      if (request.url === '/up/slow') answer = () => response.end('finished')
      else response.end('ok')
    })
    const { port, proxy } = await proxyBefore(t, { up }, { limits: { drainTimeoutMs: 2_000 } })
    const session = client(t, port)
    const codes: number[] = []
    session.on('goaway', (code: number) => codes.push(code))
    const slow = askStream(session, { headers: { ':path': '/up/slow' } })
    await until(() => up.received.length === 1, 'the request arrives')
    const drained = proxy.drain()
    await until(() => codes.length > 0, 'it says so')
    answer()
    assert.equal((await slow).body, 'finished')
    await drained
    await assert.rejects(ask(port, { path: '/up' }))
    assert.deepEqual([...new Set(codes)], [NGHTTP2_NO_ERROR])
  })

  test('answers what is not finished in time, or breaks it off', async (t) => {
    const up = await rawUpstream(t, (socket) => {
      socket.on('data', (bytes: Buffer) => {
        if (bytes.includes('/up/half')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf')
      })
    })
    const { port, proxy } = await proxyBefore(t, { up }, { limits: { drainTimeoutMs: 50 } })
    const session = client(t, port)
    const half = session.request({ ':path': '/up/half' })
    const answers = Promise.all([answerOf(half), askStream(session, { headers: { ':path': '/up' } })])
    await once(half, 'data')
    await proxy.drain()
    const [broken, unanswered] = await answers
    assert.deepEqual([broken.body, broken.code], ['half', NGHTTP2_INTERNAL_ERROR])
    assert.deepEqual([unanswered.status, unanswered.headers['x-seaworthy-executed']], [502, 'maybe'])
  })
})

describe('what is told of a request in HTTP/2', () => {
  test('is what is told of one in HTTP/1.1: once, with its end', async (t) => {
    const answers: string[] = []
    const up = await streamUpstream(t, echoStream)
    const { port } = await proxyBefore(
      t,
      { up },
      {
        tap: {
          bodyBytesMax: 100,
          tapOf:
            ({ target }) =>
            ({ status, body }) =>
              void answers.push(`${target} ${status} ${String(body)}`),
        },
      },
    )
    await askStream(client(t, port), { headers: { ':path': '/up' } })
    assert.deepEqual(answers, ['/up 200 {"method":"GET","url":"/up","bytes":0}'])
  })
})
