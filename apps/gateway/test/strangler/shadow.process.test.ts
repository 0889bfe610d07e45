import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import type { AddressInfo, Server, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { eventually } from '@seaworthy/testing'
import { issueCertificate } from '@seaworthy/testing/certificates'
import { startAdminApi } from '../../src/strangler/admin-api.ts'
import { parseGatewayFile } from '../../src/strangler/gateway-file.ts'
import { ShadowMirror } from '../../src/strangler/shadow-mirror.ts'
import { StranglerGateway } from '../../src/strangler/strangler-gateway.ts'

const log = { info: () => {}, warn: () => {}, error: () => {} }

type Listener = (request: IncomingMessage | Http2ServerRequest, response: ServerResponse | Http2ServerResponse) => void

/** @param pair makes it one that speaks HTTP/2 over TLS alone */
async function serve(t: TestContext, listener: Listener, pair?: { readonly cert: string; readonly key: string }) {
  const received: string[] = []
  const answer: Listener = (request, response) => {
    received.push(`${request.method} ${request.url} ${String(request.headers['x-seaworthy-shadow'])}`)
    listener(request, response)
  }
  const sockets: Socket[] = []
  const server: Server = pair === undefined ? createServer(answer) : createSecureServer(pair, answer)
  server.on('connection', (socket) => sockets.push(socket)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return { origin: `${pair === undefined ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}`, received }
}

const reviews =
  (ratingOf: (id: number) => number): Listener =>
  (request, response) => {
    const id = Number(request.url!.split('/').at(-1))
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ id, rating: ratingOf(id), at: new Date().toISOString() }))
  }

function fileWith(folder: string, sides: { old: string; young: string; youngIs?: object }, shadow: unknown) {
  const text = JSON.stringify({
    listen: { port: 0 },
    admin: { port: 0, tokenFile: 'token' },
    ledger: 'ledger',
    upstreams: { monolith: { urls: [sides.old] }, reviews: { urls: [sides.young], ...sides.youngIs } },
    routes: [
      { id: 'reviews', match: { path: '/reviews/*' }, from: 'monolith', to: 'reviews', ...(shadow !== undefined && { shadow }) },
      { id: 'rest', match: { path: '/*' }, from: 'monolith' },
    ],
  })
  return parseGatewayFile(text, join(folder, 'gateway.json'))
}

test('the reads of a route that says so are compared with its new side, which speaks HTTP/2 over TLS, and the admin API tells what was found', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'seaworthy-shadow-'))
  writeFileSync(join(folder, 'token'), 'x'.repeat(32))
  const old = await serve(
    t,
    reviews((id) => id % 5),
  )
  const pair = issueCertificate({ names: ['reviews.internal'] })
  writeFileSync(join(folder, 'ca.pem'), pair.cert)
  const young = await serve(
    t,
    reviews((id) => (id % 5) + 1),
    pair,
  )
  const youngIs = { protocol: 'h2', tls: { caFile: 'ca.pem', serverName: 'reviews.internal' } }
  const sides = { old: old.origin, young: young.origin, youngIs }
  const file = fileWith(folder, sides, { share: 100, compare: { ignoreHeaders: ['x-none'] } })
  const mirror = new ShadowMirror(log)
  mirror.configure(file)
  const gateway = await StranglerGateway.open({
    file,
    log,
    mirror,
    comparisons: (signal) => mirror.reports(signal),
    limits: { drainTimeoutMs: 200, lingerMs: 100 },
  })
  const port = await gateway.listen()
  const admin = await startAdminApi({
    port: 0,
    host: '127.0.0.1',
    token: 'secret',
    gateway,
    isReady: () => true,
    metrics: { exposition: async () => ({ contentType: 'text/plain', body: '' }) },
    reload: async () => {},
    comparisons: (signal) => mirror.report(signal),
  })
  t.after(async () => {
    await mirror[Symbol.asyncDispose]()
    await admin.close()
    await gateway.drain()
    rmSync(folder, { recursive: true, force: true })
  })
  const get = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, init)
    assert.equal(response.status, 200)
    return (await response.json()) as { rating: number }
  }
  const comparisons = async () => {
    const response = await fetch(`http://127.0.0.1:${admin.port}/comparisons`, { headers: { authorization: 'Bearer secret' } })
    return (await response.json()) as Awaited<ReturnType<ShadowMirror['report']>>
  }
  let id = 0
  await eventually(
    'the difference is found',
    async () => {
      // Clients get the monolith's answers all the while.
      for (let index = 0; index < 5; index++) assert.equal((await get(`/reviews/${++id}`)).rating, id % 5)
      await get(`/other/${id}`)
      await get(`/reviews/${id}`, { method: 'POST', body: 'x' })
      // A machine that is busy may not answer in time.
      return (await comparisons()).text?.includes('body.rating') ?? false
    },
    { withinMs: 60_000 },
  )
  const { routes, text } = await comparisons()
  assert.deepEqual(Object.keys(routes), ['reviews'])
  const [endpoint] = routes['reviews']!.endpoints
  assert.equal(endpoint!.endpoint, 'GET /reviews/:id')
  assert.deepEqual(
    endpoint!.differences.map(({ field }) => field),
    ['body.rating'],
  )
  assert.match(text, /^Route reviews\. .* answers differ/)
  assert.ok(
    young.received.every((line) => /^GET \/reviews\/\d+ 1$/.test(line)),
    'the new side got nothing but marked reads of its route',
  )

  await eventually('the overview has it', async () => (await gateway.overview()).routes[0]!.comparison?.fields[0]?.field === 'body.rating')

  // Without the setting, nothing is compared any more.
  const without = fileWith(folder, sides, undefined)
  gateway.configure(without)
  mirror.configure(without)
  await eventually('the route is gone', async () => Object.keys((await comparisons()).routes).length === 0)
  const before = young.received.length
  await get('/reviews/1')
  assert.equal(young.received.length, before)
})

test('what a shadow is to be is checked before anything is applied', () => {
  const sides = { old: 'http://127.0.0.1:1', young: 'http://127.0.0.1:2' }
  const refused = (shadow: unknown) => () => fileWith('/nowhere', sides, shadow)
  assert.throws(refused({ share: 200 }), /routes\[0\]\.shadow\.share is 200/)
  assert.throws(refused({ credentials: 'maybe' }), /routes\[0\]\.shadow\.credentials must be one of skip, forward, strip/)
  assert.throws(refused({ compare: { ignoreFields: ['price'] } }), /ignoreFields\[0\] is "price"/)
  assert.throws(refused({ compare: { ignoreHeaders: ['Set-Cookie'] } }), /ignoreHeaders\[0\]/)
  assert.throws(refused(true), /routes\[0\]\.shadow/)
})
