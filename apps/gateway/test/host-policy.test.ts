import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ConfigurationError } from 'seaworthy/core'
import { HostPolicy } from '../src/host-policy.ts'
import { ask, gatewayBefore, raw, upstream } from './rig.ts'

describe('the hosts that a gateway answers for', () => {
  for (const [names, hosts] of [
    [['*'], { 'any.example': true, '127.0.0.1:80': true }],
    [['shop.example'], { 'shop.example': true, 'SHOP.Example:8080': true, 'shop.example.evil': false, 'a.shop.example': false }],
    [['*.shop.example'], { 'a.shop.example': true, 'a.b.shop.example': true, 'shop.example': false, 'evilshop.example': false }],
    [
      ['local'],
      { localhost: true, 'shop.localhost:80': true, '127.0.0.1:80': true, '10.0.0.7': true, '[::1]:80': true, 'rebound.example': false },
    ],
    [['[::1]', '10.0.0.7'], { '[::1]:80': true, '10.0.0.7': true, '10.0.0.8': false }],
  ] as const) {
    test(names.join(', '), () => {
      const policy = new HostPolicy(names)
      for (const [host, expected] of Object.entries(hosts)) assert.equal(policy.has(host), expected, host)
      assert.equal(policy.has(undefined), names[0] === '*')
    })
  }

  for (const name of ['', 'shop example', 'http://shop', 'shop*', '*.', 'a.*.b', '.shop', 'shop.example:80'])
    test(`${JSON.stringify(name)} is no name`, () => assert.throws(() => new HostPolicy([name]), ConfigurationError))

  test('any other is misdirected: 421, and nothing goes on', async (t) => {
    const orders = await upstream(t)
    const { port } = await gatewayBefore(t, { orders }, {}, undefined, { hosts: ['shop.example'] })
    const refused = await ask(port, { path: '/orders', headers: { host: 'rebound.example' } })
    assert.deepEqual([refused.status, refused.headers['x-seaworthy-executed']], [421, 'no'])
    assert.match(String(refused.json['detail']), /does not answer for rebound\.example/)
    assert.match((await raw(port, 'GET /orders HTTP/1.0\r\n\r\n')).text, /^HTTP\/1\.1 421 /)
    assert.equal((await ask(port, { path: '/orders', headers: { host: 'shop.example' } })).status, 200)
    assert.equal(orders.received.length, 1)
  })
})
