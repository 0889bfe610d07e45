import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, test } from 'node:test'
import { WebSocket, WebSocketServer } from 'ws'
import { ask, proxyBefore, raw, rawUpstream, until, upstream } from './rig.ts'

const UPGRADE =
  'GET /up HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n'

describe('WebSocket', () => {
  test('passes both ways, in any size, and closes from either side', async (t) => {
    const up = await upstream(t)
    const server = new WebSocketServer({ server: up.server })
    t.after(() => server.close())
    server.on('connection', (socket) => socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary })))
    const { port } = await proxyBefore(t, { up })
    const client = new WebSocket(`ws://127.0.0.1:${port}/up`)
    await once(client, 'open')
    for (const text of ['hello', 'x'.repeat(1_000_000)]) {
      client.send(text)
      const [data] = await once(client, 'message')
      assert.equal(String(data), text)
    }
    const [far] = server.clients
    client.close(1_000, 'bye')
    const [code] = await once(far!, 'close')
    assert.equal(code, 1_000)
    const other = new WebSocket(`ws://127.0.0.1:${port}/up`)
    await once(other, 'open')
    for (const each of server.clients) each.close(4_000)
    assert.deepEqual((await once(other, 'close'))[0], 4_000)
  })

  test('that is refused is an answer like any other, and the connection goes on with HTTP', async (t) => {
    const up = await upstream(t, (_request, response) => response.writeHead(403).end('no'))
    const { port } = await proxyBefore(t, { up })
    const { text } = await raw(port, `${UPGRADE}GET /up HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
    assert.equal(text.match(/HTTP\/1\.1 403 /g)?.length, 2)
  })

  test('bytes that came before or with the switch are not lost', async (t) => {
    const up = await rawUpstream(t, (socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nwelcome')
        socket.on('data', (chunk) => socket.write(chunk))
      })
    })
    const { port } = await proxyBefore(t, { up })
    const socket = connect(port, '127.0.0.1')
    t.after(() => socket.destroy())
    let text = ''
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()))
    socket.write(`${UPGRADE}early`)
    await until(() => text.includes('welcome') && text.includes('early'), 'both')
    assert.match(text, /^HTTP\/1\.1 101 Switching Protocols\r\n[^]*upgrade: websocket\r\n/)
  })

  test('ends on both sides when either breaks', async (t) => {
    let far: { resetAndDestroy(): unknown } | undefined
    let closed = 0
    const up = await rawUpstream(t, (socket) => {
      far = socket
      socket.on('close', () => closed++)
      socket.once('data', () => socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n'))
    })
    const { port } = await proxyBefore(t, { up })
    const open = async () => {
      const socket = connect(port, '127.0.0.1').on('error', () => {})
      socket.write(UPGRADE)
      await once(socket, 'data')
      return socket
    }
    const first = await open()
    first.resetAndDestroy()
    await until(() => closed === 1, 'the upstream hears of it')
    const second = await open()
    far!.resetAndDestroy()
    await once(second, 'close')
  })

  test('that is silent for too long is closed', async (t) => {
    const up = await rawUpstream(t, (socket) =>
      socket.once('data', () => socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n')),
    )
    const { port } = await proxyBefore(t, { up }, { limits: { silenceTimeoutMs: 50 } })
    assert.match((await raw(port, UPGRADE)).text, /^HTTP\/1\.1 101 /)
  })

  for (const [what, lines] of [
    ['h2c', 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n'],
    ['an upgrade that Connection does not name', 'Upgrade: websocket\r\n'],
    ['several protocols', 'Connection: upgrade\r\nUpgrade: websocket, h2c\r\n'],
  ] as const) {
    test(`but ${what} is not passed on`, async (t) => {
      const up = await upstream(t)
      const { port } = await proxyBefore(t, { up })
      const { text } = await raw(
        port,
        `GET /up HTTP/1.1\r\nHost: a\r\n${lines}\r\nGET /up HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
      )
      assert.equal(text.match(/HTTP\/1\.1 200 /g)?.length, 2)
      assert.doesNotMatch(up.received[0]!.rawHeaders.join('\n'), /upgrade|settings/i)
      assert.equal((await ask(port, { path: '/up' })).status, 200)
    })
  }
})
