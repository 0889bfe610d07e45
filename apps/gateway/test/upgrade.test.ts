import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { ask, gatewayBefore, rawUpstream, until } from './rig.ts'

const UPGRADE = 'GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n'

test('a WebSocket keeps no place of its upstream, and outlives a hold', async (t) => {
  const chat = await rawUpstream(t, (socket) => {
    socket.once('data', (head) => {
      if (!head.includes('upgrade: websocket')) return void socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n')
      socket.on('data', (chunk) => socket.write(chunk))
    })
  })
  const { gateway, port } = await gatewayBefore(t, { chat }, { concurrencyMax: 1, queueMax: 0, streamingMax: 1 })
  const sockets = []
  for (let count = 0; count < 3; count++) {
    const socket = connect(port, '127.0.0.1')
    t.after(() => socket.destroy())
    socket.write(UPGRADE)
    const [head] = await once(socket, 'data')
    assert.match(String(head), /^HTTP\/1\.1 101 /)
    sockets.push(socket)
  }
  assert.equal((await ask(port, { path: '/chat' })).status, 200)
  assert.equal(await gateway.hold('chat', 'h1'), true)
  gateway.release('chat', 'h1')
  let heard = ''
  sockets[0]!.on('data', (chunk: Buffer) => (heard += chunk.toString()))
  sockets[0]!.write('still there')
  await until(() => heard === 'still there', 'the echo')
})
