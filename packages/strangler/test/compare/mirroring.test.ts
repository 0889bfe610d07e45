import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EndpointNames } from '../../src/compare/endpoint-names.ts'
import { type HeaderLine, SHADOW_HEADER } from '../../src/compare/index.ts'
import { mirroringOf } from '../../src/compare/safe-request.ts'
import { shown } from '../../src/compare/shown-value.ts'

const of = (method: string, headers: readonly HeaderLine[] = [], credentials: 'skip' | 'forward' | 'strip' = 'skip') =>
  mirroringOf({ method, target: '/a?b=1', headers }, credentials)

test('only what asks for no change is mirrored', () => {
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'get'])
    assert.deepEqual(of(method), { mirrors: false, reason: 'unsafe' })
  for (const method of ['GET', 'HEAD']) assert.equal(of(method).mirrors, true)
})

test('a mirrored request is marked, and is not mirrored once more', () => {
  const mirrored = of('GET', [['Accept', 'application/json']])
  assert.ok(mirrored.mirrors)
  assert.deepEqual(mirrored.request.headers, [
    ['Accept', 'application/json'],
    [SHADOW_HEADER, '1'],
  ])
  assert.deepEqual(of('GET', mirrored.request.headers), { mirrors: false, reason: 'shadow' })
})

test('the idempotency key, conditions and deadline stay with the client', () => {
  const mirrored = of('GET', [
    ['Idempotency-Key', 'k'],
    ['If-None-Match', '"a"'],
    ['Range', 'bytes=0-9'],
    ['x-request-timeout-ms', '5'],
    ['TraceParent', 't'],
    ['Accept-Language', 'de'],
  ])
  assert.ok(mirrored.mirrors)
  assert.deepEqual(
    mirrored.request.headers.map(([name]) => name),
    ['Accept-Language', SHADOW_HEADER],
  )
  assert.equal(mirrored.needsFreshAnswer, true)
})

test('what carries credentials is mirrored only where that was asked for', () => {
  const headers: HeaderLine[] = [
    ['Cookie', 'sid=1'],
    ['Authorization', 'Bearer x'],
  ]
  assert.deepEqual(of('GET', headers), { mirrors: false, reason: 'credentials' })
  const forwarded = of('GET', headers, 'forward')
  assert.ok(forwarded.mirrors)
  assert.deepEqual(forwarded.request.headers.slice(0, 2), headers)
  assert.equal(forwarded.needsFreshAnswer, false)
  const stripped = of('GET', headers, 'strip')
  assert.ok(stripped.mirrors)
  assert.deepEqual(stripped.request.headers, [[SHADOW_HEADER, '1']])
  assert.equal(stripped.needsFreshAnswer, true)
})

test('requests share an endpoint when they differ in what is data', () => {
  const names = new EndpointNames()
  const name = (target: string) => names.nameOf('GET', target)
  assert.equal(name('/products/17'), 'GET /products/:id')
  assert.equal(name('/products/0190a1b2-0000-7000-8000-000000000001/reviews'), 'GET /products/:id/reviews')
  assert.equal(name('/orders/SO-20001?expand=lines&b='), 'GET /orders/:id?b&expand')
  assert.equal(name('/'), 'GET /')
  assert.equal(name('/products/popular'), 'GET /products/popular')
})

test('segments of which there are too many are data, and names are bounded', () => {
  const names = new EndpointNames()
  for (let index = 0; index < 26 * 26; index++)
    names.nameOf('GET', `/tags/${String.fromCharCode(97 + (index % 26), 97 + Math.floor(index / 26))}`)
  assert.equal(names.nameOf('GET', '/tags/whatever'), 'GET /tags/:id')
  const seen = new Set<string>()
  for (let index = 0; index < 50_000; index++)
    seen.add(names.nameOf('GET', `/a${(index * 7).toString(36).replaceAll(/\d/g, 'x')}/b/${index % 50}x/c`))
  assert.ok(seen.size < 2_500, `${seen.size} names`)
})

test('a report shows no secrets', () => {
  for (const [value, field] of [
    ['hunter2', 'body.password'],
    ['hunter2', 'body.users[].apiKey'],
    ['eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.x', 'body.whatever'],
    ['4111 1111 1111 1111', 'body.note'],
    ['sid', 'header.set-cookie.sid.value'],
    [{ deep: { secret: 'hunter2' } }, 'body.config'],
    ['https://user:hunter2@db.example', 'body.url'],
  ] as const)
    assert.doesNotMatch(shown(value, field), /hunter2|eyJ|4111|"sid"/, field)
  assert.equal(shown('Ada', 'body.name'), '"Ada"')
  assert.equal(shown('Ada', 'body.name', { values: 'shapes' }), 'text of 3 characters')
  assert.equal(shown('Ada', 'body.name', { secretFields: ['body.name'] }), '(secret) text of 3 characters')
  assert.equal(shown('x'.repeat(500), 'body.name').length, 120)
})
