import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectHttp2, createSecureServer, type ServerHttp2Stream } from 'node:http2'
import { mkdirSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { connect } from 'node:tls'
import { issueCertificate } from '@seaworthy/testing/certificates'
import { ConfigurationError } from 'seaworthy/core'
import { parseGatewayFile } from '../../src/strangler/gateway-file.ts'
import { until } from '../rig.ts'
import { stranglerWith, temporaryFolder, textOf } from './rig.ts'

const authority = issueCertificate({ names: ['ca.example'] })
const issued = (...names: string[]) => issueCertificate({ names, issuer: { ...authority, name: 'ca.example' } })

/** Writes what a file of this gateway names, and reads it. */
function fileIn(folder: string, { listen = {}, upstream = {} }: { listen?: object; upstream?: object }) {
  const { upstreams, ...rest } = textOf({ monolith: new URL('http://127.0.0.1:1'), reviews: new URL('http://127.0.0.1:1') })
  const text = JSON.stringify(
    {
      ...rest,
      listen: { port: 0, hosts: ['*'], tls: { certificates: [{ certFile: 'tls/cert.pem', keyFile: 'tls/key.pem' }] }, ...listen },
      upstreams: { ...(upstreams as object), ...upstream },
    },
    undefined,
    1,
  )
  return parseGatewayFile(text, join(folder, 'gateway.json'))
}

function writePair(folder: string, { cert, key }: { readonly cert: string; readonly key: string }): void {
  mkdirSync(join(folder, 'tls'), { recursive: true })
  writeFileSync(join(folder, 'tls/cert.pem'), cert)
  writeFileSync(join(folder, 'tls/key.pem'), key)
  writeFileSync(join(folder, 'tls/ca.pem'), authority.cert)
}

/** A service that speaks HTTP/2 over TLS alone. */
async function secureService(t: TestContext): Promise<{ readonly url: string; readonly paths: string[] }> {
  const server = createSecureServer(issued('reviews.internal'))
  const paths: string[] = []
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    paths.push(headers[':path']!)
    stream.respond({ ':status': 200 })
    stream.end('reviews')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => void server.close())
  return { url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, paths }
}

async function serialAt(port: number): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', servername: 'shop.example', ca: authority.cert })
  await once(socket, 'secureConnect')
  const { serialNumber } = socket.getPeerCertificate()
  socket.destroy()
  return serialNumber
}

describe('a gateway with certificates', () => {
  test('serves HTTP/2 over TLS on both sides, by its file alone', async (t) => {
    const folder = temporaryFolder(t)
    writePair(folder, issued('shop.example', '127.0.0.1'))
    const tls = { caFile: 'tls/ca.pem', serverName: 'reviews.internal' }
    const service = await secureService(t)
    const reviews = { urls: [service.url], protocol: 'h2', tls, policy: { healthCheck: { path: '/healthz', intervalMs: 10 } } }
    const file = fileIn(folder, { upstream: { reviews } })
    assert.deepEqual(
      file.files.map((path) => path.slice(folder.length)),
      ['/tls/ca.pem', '/tls/cert.pem', '/tls/key.pem'],
    )
    const { gateway, port } = await stranglerWith(t, file)
    await gateway.shift({ route: 'reviews', percent: 100, who: 'ada', why: 'a test' })
    const session = connectHttp2(`https://127.0.0.1:${port}`, { ca: authority.cert })
    t.after(() => session.destroy())
    for (let asked = 0; asked < 5; asked++) {
      const stream = session.request({ ':path': '/reviews/1', 'x-user': 'ada' }).setEncoding('utf8')
      assert.equal((await stream.toArray()).join(''), 'reviews')
    }
    await until(() => service.paths.filter((path) => path === '/healthz').length > 3, 'it is asked whether it is well')
    assert.deepEqual(
      gateway
        .status()
        .upstreams.find(({ name }) => name === 'reviews')!
        .instances.map(({ isHealthy }) => isHealthy),
      [true],
    )
  })

  test('takes a renewed certificate with its file, and none that is wrong', async (t) => {
    const folder = temporaryFolder(t)
    writePair(folder, issued('shop.example'))
    const { gateway, port } = await stranglerWith(t, fileIn(folder, {}))
    const before = await serialAt(port)
    writePair(folder, issued('shop.example'))
    assert.equal(await serialAt(port), before)
    gateway.configure(fileIn(folder, {}))
    const after = await serialAt(port)
    assert.notEqual(after, before)
    writePair(folder, { cert: issued('shop.example').cert, key: issued('shop.example').key })
    assert.throws(() => gateway.configure(fileIn(folder, {})), ConfigurationError)
    assert.equal(await serialAt(port), after)
  })

  for (const [what, prepare, said] of [
    [
      'a file that is not there',
      () => {},
      /gateway\.json:\d+: listen\.tls\.certificates\[0\]\.certFile names a file that cannot be read: ENOENT/,
    ],
    [
      'no certificate',
      (folder: string) => writePair(folder, { cert: 'x', key: issued('a').key }),
      /gateway\.json:(\d+): listen\.tls\.certificates\[0\]\.certFile names a file that is no certificate in PEM/,
    ],
    [
      'the key of another',
      (folder: string) => writePair(folder, { cert: issued('a').cert, key: issued('a').key }),
      /gateway\.json:\d+: listen\.tls\.certificates\[0\]\.keyFile names a file that is not that of the certificate/,
    ],
  ] as const) {
    test(`says file, line and field of ${what}`, (t) => {
      const folder = temporaryFolder(t)
      prepare(folder)
      assert.throws(() => fileIn(folder, {}), said)
    })
  }

  test('needs a restart to begin with TLS', async (t) => {
    const folder = temporaryFolder(t)
    writePair(folder, issued('shop.example'))
    const { gateway } = await stranglerWith(t, fileIn(folder, {}))
    assert.throws(() => gateway.configure(fileIn(folder, { listen: { tls: undefined } })), /restart the gateway/)
  })
})
