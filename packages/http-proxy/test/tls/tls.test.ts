import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectHttp2, createSecureServer } from 'node:http2'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { describe, test, type TestContext } from 'node:test'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { issueCertificate } from '@seaworthy/testing/certificates'
import { ConfigurationError } from 'seaworthy/core'
import { echoStream, askStream } from '../http2/rig.ts'
import { ask, echo, proxyBefore, until, upstream, valuesOf } from '../rig.ts'

const authority = issueCertificate({ names: ['ca.example'] })
const issued = (...names: string[]) => issueCertificate({ names, issuer: { ...authority, name: 'ca.example' } })
const shop = issued('shop.example', '*.shop.example')
const admin = issued('admin.example')
const loopback = issued('127.0.0.1')

/** A handshake as a client makes it that trusts the tests' authority. */
async function handshake(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ port, host: '127.0.0.1', ca: authority.cert, servername: 'shop.example', ...options })
  await once(socket, 'secureConnect')
  return socket
}

async function get(socket: TLSSocket, path: string): Promise<string> {
  socket.write(`GET ${path} HTTP/1.1\r\nHost: shop.example\r\n\r\n`)
  const [chunk] = (await once(socket, 'data')) as [Buffer]
  return chunk.toString()
}

describe('a proxy that is asked over TLS', () => {
  test('speaks HTTP/1.1 and HTTP/2 on one port, and tells the upstream so', async (t) => {
    const up = await upstream(t)
    const { port } = await proxyBefore(t, { up }, { tls: { certificates: [shop] } })
    const first = await handshake(port, { ALPNProtocols: ['http/1.1'] })
    assert.match(await get(first, '/up'), /^HTTP\/1\.1 200 OK/)
    first.destroy()
    const session = connectHttp2(`https://shop.example:${port}`, { ca: authority.cert, lookup: toLoopback })
    t.after(() => session.destroy())
    assert.equal((await askStream(session, { headers: { ':path': '/up' } })).status, 200)
    assert.deepEqual(
      up.received.map(({ rawHeaders }) => valuesOf(rawHeaders, 'x-forwarded-proto')),
      [['https'], ['https']],
    )
  })

  test('takes a target that names its scheme, and no other', async (t) => {
    const up = await upstream(t)
    const { port } = await proxyBefore(t, { up }, { tls: { certificates: [shop] } })
    assert.match(await get(await handshake(port), 'https://shop.example/up'), /^HTTP\/1\.1 200/)
    assert.match(await get(await handshake(port), 'http://shop.example/up'), /^HTTP\/1\.1 400/)
    await until(() => up.received.length === 1, 'one of them')
  })

  test('shows the certificate of the name that a client asks for, or its first', async (t) => {
    const up = await upstream(t)
    const { port } = await proxyBefore(t, { up }, { tls: { certificates: [shop, admin] } })
    const subjectFor = async (servername: string) => {
      const socket = await handshake(port, { servername, rejectUnauthorized: false })
      const { CN } = socket.getPeerCertificate().subject
      socket.destroy()
      return CN
    }
    assert.deepEqual(await Promise.all(['eu.shop.example', 'admin.example', 'other.example', ''].map(subjectFor)), [
      'shop.example',
      'admin.example',
      'shop.example',
      'shop.example',
    ])
  })

  test('shows another one from the next handshake on, and no connection is dropped', async (t) => {
    const up = await upstream(t)
    const { port, proxy } = await proxyBefore(t, { up }, { tls: { certificates: [shop] } })
    const before = await handshake(port)
    const serial = (socket: TLSSocket) => socket.getPeerCertificate().serialNumber
    const renewed = issued('shop.example')
    proxy.useCertificates([renewed])
    const after = await handshake(port)
    const unnamed = await handshake(port, { servername: '', rejectUnauthorized: false })
    assert.notEqual(serial(before), serial(after))
    assert.equal(serial(after), serial(unnamed))
    assert.match(await get(before, '/up'), /^HTTP\/1\.1 200/)
    assert.throws(() => proxy.useCertificates([{ cert: renewed.cert, key: shop.key }]), ConfigurationError)
    assert.equal(serial(await handshake(port)), serial(after))
    for (const socket of [before, after, unnamed]) socket.destroy()
  })

  test('takes no certificates where it was made without', async (t) => {
    const { proxy } = await proxyBefore(t, { up: await upstream(t) })
    assert.throws(() => proxy.useCertificates([shop]), /listens without TLS/)
  })

  test('refuses TLS 1.1, protocols that it does not speak, and what is no TLS', async (t) => {
    const up = await upstream(t)
    const { port } = await proxyBefore(t, { up }, { tls: { certificates: [shop] } })
    await assert.rejects(handshake(port, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }))
    await assert.rejects(handshake(port, { ALPNProtocols: ['spdy/3'] }), /alert no application protocol/i)
    await assert.rejects(ask(port, { path: '/up' }))
    assert.match(await get(await handshake(port, { maxVersion: 'TLSv1.2' }), '/up'), /^HTTP\/1\.1 200/)
  })
})

describe('an upstream behind TLS', () => {
  test('is verified: by the CA that is named for it, and for its name', async (t) => {
    const url = await secureUpstream(t, loopback)
    const status = async (tls: object) => {
      const { port } = await proxyBefore(t, { up: { url, tls } })
      const { status, headers, body } = await ask(port, { method: 'POST', path: '/up', body: 'x' })
      return [status, headers['x-seaworthy-executed'], body] as const
    }
    assert.equal((await status({ ca: authority.cert }))[0], 200)
    const stranger = await status({})
    assert.deepEqual(stranger.slice(0, 2), [503, 'no'])
    assert.match(stranger[2], /cannot be reached: .*certificate.*Nothing was sent/)
    const misnamed = await status({ ca: authority.cert, serverName: 'shop.example' })
    assert.deepEqual(misnamed.slice(0, 2), [503, 'no'])
    assert.match(misnamed[2], /altnames/)
  })

  test('is asked for the name that it is given, and its certificate may be for that', async (t) => {
    const url = await secureUpstream(t, shop)
    const { port } = await proxyBefore(t, { up: { url, tls: { ca: authority.cert, serverName: 'a.shop.example' } } })
    assert.equal((await ask(port, { path: '/up' })).status, 200)
  })

  test('may speak HTTP/2, which both agree on', async (t) => {
    const server = createSecureServer({ ...loopback })
    server.on('stream', echoStream)
    const url = await listening(t, server)
    const tls = { ca: authority.cert }
    const { port } = await proxyBefore(t, {
      up: { url, tls, protocol: 'h2' },
      old: { url: await secureUpstream(t, loopback), tls, protocol: 'h2' },
    })
    assert.deepEqual((await ask(port, { method: 'POST', path: '/up', body: 'abc' })).json, { method: 'POST', url: '/up', bytes: 3 })
    const old = await ask(port, { path: '/old' })
    assert.deepEqual([old.status, old.headers['x-seaworthy-executed']], [503, 'no'])
  })
})

describe('a certificate that is none', () => {
  for (const [what, certificate, said] of [
    ['no PEM', { cert: 'x', key: shop.key }, /certificate is no certificate in PEM/],
    ['a key that is none', { cert: shop.cert, key: 'x' }, /key is no private key/],
    ['the key of another', { cert: shop.cert, key: admin.key }, /key is not that of the certificate/],
  ] as const) {
    test(`(${what}) is a configuration error that says which part of it`, async (t) => {
      const up = await upstream(t)
      await assert.rejects(proxyBefore(t, { up }, { tls: { certificates: [certificate] } }), (error: Error) => {
        assert.ok(error instanceof ConfigurationError)
        assert.match(error.message, said)
        return true
      })
    })
  }

  test('nor may a CA be none, or TLS be set for an upstream without it', async (t) => {
    for (const up of [
      { url: new URL('https://127.0.0.1:1'), tls: { ca: '-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n' } },
      { url: new URL('http://127.0.0.1:1'), tls: {} },
      { url: new URL('ftp://127.0.0.1:1') },
    ])
      await assert.rejects(proxyBefore(t, { up }), ConfigurationError)
  })
})

async function secureUpstream(t: TestContext, certificate: { readonly cert: string; readonly key: string }): Promise<URL> {
  return listening(t, createHttpsServer(certificate, echo))
}

async function listening(
  t: TestContext,
  server: ReturnType<typeof createHttpsServer> | ReturnType<typeof createSecureServer>,
): Promise<URL> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => void server.close())
  return new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}`)
}

const toLoopback: NonNullable<ConnectionOptions['lookup']> = (_host, options, done) =>
  options.all === true ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4)
