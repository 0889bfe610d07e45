import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test, type TestContext } from 'node:test'
import type { Operation } from 'seaworthy/core'
import { ask, proxyBefore, rawUpstream, until, upstream } from './rig.ts'

function operationsSeen(t: TestContext): Operation[] {
  const ended: Operation[] = []
  const onEnd = (operation: unknown) => void ended.push(operation as Operation)
  subscribe('tracing:seaworthy:http-proxy.request:asyncEnd', onEnd)
  t.after(() => unsubscribe('tracing:seaworthy:http-proxy.request:asyncEnd', onEnd))
  return ended
}

test('a request is told by its route, where it went, and what became of it', async (t) => {
  const up = await upstream(t)
  const { port } = await proxyBefore(t, { up })
  const ended = operationsSeen(t)
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  await ask(port, { path: '/up/17?secret=1', headers: { 'x-correlation-id': 'c-1', traceparent } })
  await ask(port, { path: '/up/..%2f' })
  await up.stop()
  await ask(port, { path: '/up' })
  await until(() => ended.length === 3, 'all are told')
  const [first, refused, away] = ended
  assert.equal(first?.name, 'GET /up/*')
  assert.equal(first.parent?.traceparent, traceparent)
  assert.deepEqual(first.attributes, {
    'http.request.method': 'GET',
    'url.scheme': 'http',
    'url.path': '/up/17',
    'http.route': '/up/*',
    'seaworthy.upstream': 'up',
    'seaworthy.correlation_id': 'c-1',
    'http.response.status_code': 200,
  })
  assert.deepEqual([refused?.name, refused?.attributes['http.response.status_code'], refused?.failure], ['GET', 400, undefined])
  assert.equal(away?.attributes['http.response.status_code'], 503)
  assert.match(away.failure ?? '', /up cannot be reached/)
})

test('an answer that breaks off, and a client that leaves, are failures, each told once', async (t) => {
  const up = await rawUpstream(t, (socket) => {
    socket.once('data', (request) => {
      if (request.includes('/broken')) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf')
    })
  })
  const { port } = await proxyBefore(t, { up })
  const ended = operationsSeen(t)
  await assert.rejects(ask(port, { path: '/up/broken' }))
  await until(() => ended.length === 1, 'the first is told')
  const socket = connect(port, '127.0.0.1')
  socket.write('GET /up/slow HTTP/1.1\r\nHost: a\r\n\r\n')
  await once(socket, 'connect')
  await until(() => up.connections() === 2, 'the second arrives')
  socket.destroy()
  await until(() => ended.length === 2, 'the second is told')
  assert.deepEqual(
    ended.map(({ failure }) => failure),
    ['the answer broke off', 'the client closed the connection'],
  )
})
