import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigurationError } from 'seaworthy/core'
import { accessBy, isLoopback } from '../src/access.ts'
import { readConfig } from '../src/config.ts'
import { HEADERS, fixture } from './app-fixture.ts'

const TOKEN = 'a-token-of-24-characters'
const ENV = { SEAWORTHY_DATA_DIR: '/nowhere', SEAWORTHY_CONSOLE_PORT: '4000' }

test('this machine may ask without a token; anybody else needs it, and a proxy speaks for somebody else', () => {
  const isAllowed = accessBy(TOKEN)
  const from = (address: string, more: object = {}) => isAllowed({ address, authorization: undefined, ...more })
  for (const address of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1']) assert.equal(from(address), true, address)
  for (const address of ['10.0.0.7', '192.168.1.1', '::ffff:10.0.0.7', '2001:db8::1', '128.0.0.1', ''])
    assert.equal(from(address), false, address)
  assert.equal(from('127.0.0.1', { isForwarded: true }), false)
  assert.equal(from('10.0.0.7', { authorization: `Bearer ${TOKEN}` }), true)
  assert.equal(from('10.0.0.7', { authorization: `bearer  ${TOKEN}` }), true)
  assert.equal(from('10.0.0.7', { cookie: TOKEN }), true)
  for (const authorization of [TOKEN, `Bearer ${TOKEN}x`, 'Bearer ', `Basic ${TOKEN}`])
    assert.equal(from('10.0.0.7', { authorization }), false)
  assert.equal(accessBy(undefined)({ address: '10.0.0.7', authorization: 'Bearer undefined' }), false)
  assert.equal(isLoopback('127.0.0.1.evil.example'), false)
})

test('an address that others reach without a token is refused at the start, and so is a token that can be guessed', () => {
  assert.equal(readConfig(ENV).address, '127.0.0.1')
  for (const env of [
    { SEAWORTHY_CONSOLE_ADDRESS: '0.0.0.0' },
    { SEAWORTHY_CONSOLE_ADDRESS: '::' },
    { SEAWORTHY_CONSOLE_ADDRESS: '10.0.0.7', SEAWORTHY_CONSOLE_TOKEN: 'short' },
    { SEAWORTHY_CONSOLE_ADDRESS: 'console.example', SEAWORTHY_CONSOLE_TOKEN: TOKEN },
    { SEAWORTHY_CONSOLE_TOKEN: 'a token with blanks in it' },
  ])
    assert.throws(() => readConfig({ ...ENV, ...env }), ConfigurationError, JSON.stringify(env))
  assert.equal(readConfig({ ...ENV, SEAWORTHY_CONSOLE_ADDRESS: '0.0.0.0', SEAWORTHY_CONSOLE_TOKEN: TOKEN }).token, TOKEN)
})

test('from elsewhere every address but health asks for the token; the page takes it once and keeps it in a cookie', async (t) => {
  const { app } = await fixture(t, { token: TOKEN, hostNames: ['10.0.0.7'] })
  const ask = (url: string, headers: Record<string, string> = {}, method: 'GET' | 'POST' = 'GET') =>
    app.inject({ method, url, remoteAddress: '10.0.0.9', headers: { host: '10.0.0.7:4000', ...headers } })
  for (const [url, method] of [
    ['/', 'GET'],
    ['/api/traces', 'GET'],
    ['/api/logs', 'GET'],
    ['/metrics', 'GET'],
    ['/v1/traces', 'POST'],
    ['/v1/logs', 'POST'],
    ['/api/import', 'POST'],
    ['/api/faults', 'POST'],
    ['/api/nothing', 'GET'],
    [`/api/traces?token=${TOKEN}x`, 'GET'],
    [`/api/faults?token=${TOKEN}`, 'POST'],
  ] as const) {
    const answer = await ask(url, {}, method)
    assert.equal(answer.statusCode, 401, url)
    assert.equal(answer.headers['www-authenticate'], 'Bearer realm="seaworthy console"')
  }
  assert.equal((await ask('/healthz')).statusCode, 200)
  assert.equal((await ask('/api/traces', { authorization: `Bearer ${TOKEN}` })).statusCode, 200)
  const entry = await ask(`/traces?token=${TOKEN}`)
  assert.deepEqual([entry.statusCode, entry.headers['location']], [303, '/traces'])
  const cookie = String(entry.headers['set-cookie'])
  assert.match(cookie, /HttpOnly; SameSite=Strict/)
  assert.equal((await ask('/api/traces', { cookie: `other=1; ${cookie.split(';')[0]}` })).statusCode, 200)
  // The cookie does not make a page of another site welcome.
  assert.equal((await ask('/api/traces', { cookie: cookie.split(';')[0]!, origin: 'https://evil.example' })).statusCode, 403)
  assert.equal((await ask('/api/traces', { host: 'evil.example', authorization: `Bearer ${TOKEN}` })).statusCode, 421)
  assert.equal((await app.inject({ url: '/api/traces', headers: HEADERS })).statusCode, 200, 'on this machine nothing changes')
})
