import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ConfigurationError } from 'seaworthy/core'
import { peerAddress, TrustedProxies } from '../src/origin.ts'
import { ask, proxyBefore, upstream } from './rig.ts'

const SPOOFED = {
  'x-forwarded-for': '203.0.113.7',
  'x-forwarded-host': 'shop.example',
  'x-forwarded-proto': 'https',
  'x-forwarded-port': '666',
  forwarded: 'for=203.0.113.7',
  'x-real-ip': '203.0.113.7',
}

describe('where a request came from', () => {
  const seenBy = async (
    t: Parameters<typeof upstream>[0],
    trustedProxies: readonly string[],
    headers: Record<string, string | string[]>,
  ) => {
    const up = await upstream(t)
    const { port } = await proxyBefore(t, { up }, { trustedProxies })
    await ask(port, { path: '/up', headers: { host: 'inner.example', ...headers } })
    const { rawHeaders } = up.received[0]!
    const pairs = rawHeaders.flatMap((name, index) => (index % 2 === 0 ? [[name.toLowerCase(), rawHeaders[index + 1]!] as const] : []))
    return Object.fromEntries(pairs.filter(([name]) => /forwarded|real-ip/.test(name)))
  }

  test('is what the connection tells, whatever a stranger says', async (t) => {
    assert.deepEqual(await seenBy(t, ['10.0.0.0/8'], SPOOFED), {
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-host': 'inner.example',
      'x-forwarded-proto': 'http',
    })
  })

  test('is continued from what a trusted proxy says', async (t) => {
    assert.deepEqual(
      await seenBy(t, ['127.0.0.0/8', '::1'], { ...SPOOFED, 'x-forwarded-for': ['203.0.113.7', '198.51.100.1,2001:db8::1'] }),
      {
        'x-forwarded-for': '203.0.113.7, 198.51.100.1, 2001:db8::1, 127.0.0.1',
        'x-forwarded-host': 'shop.example',
        'x-forwarded-proto': 'https',
      },
    )
  })

  test('is not continued from what does not hold, even of a trusted proxy', async (t) => {
    for (const chain of ['unknown', '203.0.113.7, evil', '203.0.113.7:80', `${'203.0.113.7, '.repeat(200)}203.0.113.7`]) {
      const seen = await seenBy(t, ['127.0.0.1'], { 'x-forwarded-for': chain, 'x-forwarded-host': 'a b', 'x-forwarded-proto': 'gopher' })
      assert.deepEqual(seen, { 'x-forwarded-for': '127.0.0.1', 'x-forwarded-host': 'inner.example', 'x-forwarded-proto': 'http' })
    }
  })

  test('trusts addresses and networks of both families', () => {
    const trusted = new TrustedProxies(['192.0.2.1', '10.0.0.0/8', '2001:db8::/32'])
    for (const address of ['192.0.2.1', '10.255.0.1', '2001:db8:1::1']) assert.ok(trusted.has(address), address)
    for (const address of ['192.0.2.2', '11.0.0.1', '2001:db9::1', 'unknown']) assert.ok(!trusted.has(address), address)
    assert.equal(peerAddress('::ffff:10.0.0.1'), '10.0.0.1')
  })

  for (const bad of ['', 'localhost', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8', '2001:db8::/129', '10.0.0/8']) {
    test(`refuses ${JSON.stringify(bad)} as a network`, () => assert.throws(() => new TrustedProxies([bad]), ConfigurationError))
  }
})
