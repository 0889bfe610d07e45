import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ConfigurationError, InvalidInputError } from 'seaworthy/core'
import type { RuleMatch } from '../../src/strangler/rule.ts'
import { compileRules } from '../../src/strangler/rule-table.ts'
import { routable } from './rig.ts'

const table = (rules: Readonly<Record<string, RuleMatch>>) =>
  compileRules(Object.entries(rules).map(([id, match]) => ({ declaration: { id, match, from: 'monolith' }, valueAt: () => id })))

describe('rules', () => {
  const rules = table({
    all: { path: '/*' },
    reviews: { path: '/reviews/:id', methods: ['GET', 'HEAD'] },
    beta: { path: '/reviews/:review', methods: ['GET'], headers: { 'x-beta': 'yes' } },
    newest: { path: '/reviews/:id', methods: ['GET'], headers: { 'x-beta': 'yes' }, query: { v: '2' } },
    partner: { path: '/partners/*', hosts: ['api.shop.example'] },
  })

  for (const [what, expected, ...request] of [
    ['the path alone', 'reviews', 'GET', '/reviews/1'],
    ['a method that its rule does not have falls to the less specific path', 'all', 'POST', '/reviews/1'],
    ['a header', 'beta', 'GET', '/reviews/1', { 'X-Beta': 'yes' }],
    ['another value of it', 'reviews', 'GET', '/reviews/1', { 'x-beta': 'no' }],
    ['header and query', 'newest', 'GET', '/reviews/1?a=b&v=2', { 'x-beta': 'yes' }],
    ['an encoded query', 'newest', 'GET', '/reviews/1?%76=%32', { 'x-beta': 'yes' }],
    ['a host, whatever its case and port', 'partner', 'GET', '/partners/1', {}, 'API.shop.example:8080'],
    ['another host', 'all', 'GET', '/partners/1'],
  ] as const)
    test(`${what}: ${expected}`, () => assert.equal(rules.match(routable(...(request as Parameters<typeof routable>))), expected))

  test('what a rule looks at and stands there twice is refused, and elsewhere is nobody’s concern', () => {
    assert.throws(() => rules.match(routable('GET', '/reviews/1', { 'x-beta': ['yes', 'no'] })), InvalidInputError)
    assert.throws(() => rules.match(routable('GET', '/reviews/1?v=2&v=3', { 'x-beta': 'yes' })), InvalidInputError)
    assert.equal(rules.match(routable('GET', '/else?v=2&v=3', { 'x-beta': ['yes', 'no'] })), 'all')
  })

  test('several paths are one rule, each as specific as it is itself', () => {
    const rules = table({
      people: { path: '/people/:id', also: ['/people', '/staff/*'] },
      all: { path: '/*' },
      orders: { path: '/people/:id/orders' },
      bob: { path: '/people/bob' },
    })
    const matched = ['/people', '/people/1', '/staff/1/room', '/people/1/orders', '/people/bob', '/staff'].map((path) =>
      rules.match(routable('GET', path)),
    )
    assert.deepEqual(matched, ['people', 'people', 'people', 'orders', 'bob', 'all'])
    const twice = { one: { path: '/a', also: ['/b'] }, other: { path: '/c', also: ['/b'] } }
    assert.throws(() => table(twice), /Routes one and other both match some requests at \/b/)
  })

  test('a list of fewer is the more specific one', () => {
    const methods = table({ both: { path: '/a', methods: ['GET', 'POST'] }, one: { path: '/a', methods: ['POST'] } })
    assert.deepEqual([methods.match(routable('GET', '/a')), methods.match(routable('POST', '/a'))], ['both', 'one'])
  })

  for (const [what, one, other] of [
    ['the same path', {}, {}],
    ['conditions of different kinds', { methods: ['GET'] }, { hosts: ['a.example'] }],
    ['lists that overlap', { methods: ['GET', 'PUT'] }, { methods: ['GET', 'POST'] }],
    ['different headers', { headers: { a: '1' } }, { headers: { b: '1' } }],
  ] as const) {
    test(`two that cannot be told apart are refused: ${what}`, () => {
      assert.throws(
        () => table({ one: { path: '/a/:x', ...one }, other: { path: '/a/:y', ...other } }),
        (error: unknown) => error instanceof ConfigurationError && /Routes one and other both match/.test(error.message),
      )
    })
  }

  test('two that no request matches both may stand side by side', () => {
    const apart = table({
      one: { path: '/a', headers: { v: '1' } },
      two: { path: '/a', headers: { v: '2' }, methods: ['GET'] },
    })
    assert.equal(apart.match(routable('GET', '/a', { v: '1' })), 'one')
    assert.equal(apart.match(routable('GET', '/a', { v: '2' })), 'two')
    assert.equal(apart.match(routable('POST', '/a', { v: '2' })), undefined)
  })
})
