import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { httpServer } from '../src/http/server.ts'
import { HEADERS, fixture } from './app-fixture.ts'

/** As many as the intake takes at once. */
const PLACES = 16

test('requests that are never sent to their end give up their places in the intake', { timeout: 10_000 }, async (t) => {
  const { app } = await fixture(t)
  await app.ready()
  const server = httpServer((request, response) => app.routing(request, response), 500)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  const status = async () => {
    const headers = { host: HEADERS.host, 'content-type': 'application/json' }
    const response = await fetch(`http://127.0.0.1:${port}/v1/traces`, { method: 'POST', headers, body: '{"resourceSpans":[]}' })
    return response.status
  }
  const allBegun = new Promise<void>((resolve) => {
    let begun = 0
    server.on('request', () => ++begun === PLACES && resolve())
  })
  const halves = Array.from({ length: PLACES }, () => {
    const socket = connect(port, '127.0.0.1')
    socket.write(`POST /v1/traces HTTP/1.1\r\nhost: ${HEADERS.host}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{`)
    return text(socket)
  })
  await allBegun
  assert.equal(await status(), 503, 'all places are taken')
  for (const answer of await Promise.all(halves)) assert.match(answer, /^HTTP\/1.1 408 /)
  assert.equal(await status(), 200)
})

test('a sender has half a minute, not the five that Node would give it', (t) => {
  const server = httpServer(() => undefined)
  t.after(() => server.close())
  assert.deepEqual([server.requestTimeout, server.headersTimeout], [30_000, 10_000])
})
