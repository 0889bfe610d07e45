import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { createSecureServer, createServer as createHttp2Server, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import { createServer as createTlsServer } from 'node:https'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo, Server } from 'node:net'
import { describe, test, type TestContext } from 'node:test'
import { issueCertificate } from '@seaworthy/testing/certificates'
import { systemClock } from 'seaworthy/core'
import { httpAsk } from '../../src/compare/http-ask.ts'
import type { SideAddress } from '../../src/compare/side-address.ts'

const pair = issueCertificate({ names: ['reviews.internal'] })
const tls = { ca: pair.cert, serverName: 'reviews.internal' }

type Listener = (request: IncomingMessage | Http2ServerRequest, response: ServerResponse | Http2ServerResponse) => void

const KINDS = {
  'HTTP/1.1': { make: (listener: Listener) => createServer(listener), scheme: 'http' },
  'HTTP/1.1 over TLS': { make: (listener: Listener) => createTlsServer(pair, listener), scheme: 'https', tls },
  'HTTP/2': { make: (listener: Listener) => createHttp2Server(listener), scheme: 'http', protocol: 'h2' },
  'HTTP/2 over TLS': { make: (listener: Listener) => createSecureServer(pair, listener), scheme: 'https', protocol: 'h2', tls },
} as const

async function side(t: TestContext, kind: keyof typeof KINDS, listener: Listener) {
  const { make, scheme, ...others } = KINDS[kind]
  const server: Server = make(listener)
  const connections: { destroy(): unknown }[] = []
  server.on('connection', (socket) => connections.push(socket)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address: SideAddress = { ...others, url: new URL(`${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`) }
  t.after(() => {
    server.close()
    for (const connection of connections) connection.destroy()
  })
  return { address, connections }
}

function asking(t: TestContext, address: SideAddress) {
  const ask = httpAsk({ name: 'the service', address, timeoutMs: 5_000, concurrencyMax: 4, bodyBytesMax: 100, clock: systemClock })
  t.after(() => ask[Symbol.dispose]())
  return (target: string, method: 'GET' | 'HEAD' = 'GET') =>
    ask({ method, target, headers: [['accept-language', 'de']], host: 'shop.example' }, new AbortController().signal)
}

describe('a side is asked as the gateway asks it', () => {
  for (const kind of Object.keys(KINDS) as (keyof typeof KINDS)[]) {
    test(`in ${kind}`, async (t) => {
      const asked: string[] = []
      const { address, connections } = await side(t, kind, (request, response) => {
        const { authority } = request as Http2ServerRequest
        asked.push(`${request.method} ${request.url} ${authority ?? request.headers.host} ${request.headers['accept-language']}`)
        response.setHeader('x-answer', ['one', 'two'])
        if (request.url === '/large') response.end('x'.repeat(1_000))
        else response.end('ok')
      })
      const ask = asking(t, address)
      const { status, headers, body } = await ask('/a?b=%2F')
      assert.equal(status, 200)
      assert.equal(String(body), 'ok')
      assert.deepEqual(
        headers.filter(([name]) => name === 'x-answer').map(([, value]) => value),
        ['one', 'two'],
      )
      assert.equal((await ask('/large')).body, 'too-large')
      assert.equal((await ask('/head', 'HEAD')).body.length, 0)
      assert.equal(connections.length, 1)
      assert.deepEqual(asked, [
        `GET /a?b=%2F ${address.url.host} de`,
        `GET /large ${address.url.host} de`,
        `HEAD /head ${address.url.host} de`,
      ])
    })

    test(`in ${kind}, by the client's Host where it gets that`, async (t) => {
      const { address } = await side(t, kind, (request, response) =>
        response.end((request as Http2ServerRequest).authority ?? request.headers.host),
      )
      assert.equal(String((await asking(t, { ...address, preserveHost: true })('/')).body), 'shop.example')
    })

    test(`in ${kind}, and an answer that breaks off is none`, async (t) => {
      let isFirst = true
      const { address, connections } = await side(t, kind, (_request, response) => {
        if (!isFirst) {
          response.end('whole')
          return
        }
        isFirst = false
        response.setHeader('content-length', 10)
        const broken = response as ServerResponse
        broken.write('half', () => connections[0]!.destroy())
      })
      const ask = asking(t, address)
      await assert.rejects(ask('/'), /the service gave no answer/)
      assert.equal(String((await ask('/')).body), 'whole', 'and the next goes on a connection of its own')
    })
  }

  for (const kind of ['HTTP/1.1 over TLS', 'HTTP/2 over TLS'] as const) {
    test(`in ${kind}, and not where its certificate is not trusted`, async (t) => {
      const { address } = await side(t, kind, (_request, response) => response.end('ok'))
      await assert.rejects(asking(t, { ...address, tls: { ca: pair.cert } })('/'), /the service gave no answer: .*altname|IP: 127/i)
      const { tls: _, ...untrusting } = address
      await assert.rejects(asking(t, untrusting)('/'), /the service gave no answer: .*certificate/i)
    })
  }
})
