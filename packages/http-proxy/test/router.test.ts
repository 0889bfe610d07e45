import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { InvalidInputError } from 'seaworthy/core'
import type { Route } from 'seaworthy/system'
import { canonicalSegments } from '../src/canonical-path.ts'
import { compileRoutes } from '../src/router.ts'

const routes = (...paths: readonly string[]): Route[] => paths.map((path) => ({ path, service: path }))
const matched = (paths: readonly string[], target: string) => compileRoutes(routes(...paths)).match(canonicalSegments(target))?.path

describe('the router', () => {
  const paths = ['/', '/api/*', '/api/orders', '/api/orders/:id', '/api/orders/special', '/api/orders/:id/lines', '/shop/:id']

  for (const [target, expected] of [
    ['/', '/'],
    ['/api/orders', '/api/orders'],
    ['/api/orders?x=/api/../..', '/api/orders'],
    ['/api/orders/17', '/api/orders/:id'],
    ['/api/orders/special', '/api/orders/special'],
    ['/api/orders/special/lines', '/api/orders/:id/lines'],
    ['/api/orders/17/lines/3', '/api/*'],
    ['/api/%6frders', '/api/orders'],
    ['/api/', '/api/*'],
    ['/api', undefined],
    ['/shop/', undefined],
    ['/shop/100%25', '/shop/:id'],
    ['/shop/a%20b', '/shop/:id'],
    ['/shop/b%C3%BCcher', '/shop/:id'],
    ['/API/orders', undefined],
    ['/nothing', undefined],
  ] as const) {
    test(`leads ${target} to ${expected ?? 'nowhere'}`, () => assert.equal(matched(paths, target), expected))
  }

  test('/* takes what nothing else does, the root included', () => {
    assert.equal(matched(['/*', '/api/*'], '/'), '/*')
    assert.equal(matched(['/*', '/api/*'], '/a/b'), '/*')
    assert.equal(matched(['/*', '/api/*'], '/api/b'), '/api/*')
  })

  test('refuses templates that are malformed or stand twice', () => {
    for (const bad of ['api', '/a//b', '/a/*/b', '/a/:', '/a/:1', '/a b', '/a/**', '/a/%2e']) {
      assert.throws(() => compileRoutes(routes(bad)), /Route .*/, bad)
    }
    assert.throws(() => compileRoutes(routes('/a/:id', '/a/:name')), /matches the same requests as \/a\/:id/)
    assert.throws(() => compileRoutes(routes('/a/*', '/a/*')), /matches the same/)
  })

  test('agrees with trying every route in the order of specificity', () => {
    const segment = fc.constantFrom('a', 'b', ':x')
    const template = fc
      .tuple(fc.array(segment, { maxLength: 3 }), fc.boolean())
      .map(([segments, below]) => `/${[...segments, ...(below || segments.length === 0 ? ['*'] : [])].join('/')}`)
    const path = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 4 })
    // Per position: a literal, a parameter, the rest; the first difference decides.
    const rank = (route: string) =>
      route
        .slice(1)
        .split('/')
        .map((each) => (each === '*' ? '2' : each.startsWith(':') ? '1' : '0'))
        .join('')
    const fits = (route: string, segments: readonly string[]) => {
      const wanted = route.slice(1).split('/')
      const below = wanted.at(-1) === '*'
      if (below) wanted.pop()
      if (below ? segments.length <= wanted.length : segments.length !== wanted.length) return false
      return wanted.every((each, index) => each.startsWith(':') || each === segments[index])
    }
    fc.assert(
      fc.property(fc.uniqueArray(template, { selector: (each) => each, maxLength: 8 }), path, (templates, segments) => {
        const expected = templates
          .filter((each) => fits(each, segments))
          .toSorted((left, right) => rank(left).localeCompare(rank(right)))[0]
        assert.equal(compileRoutes(routes(...templates)).match(segments)?.path, expected)
      }),
      { numRuns: 1_000 },
    )
  })
})

describe('a path that two programs could read differently', () => {
  for (const target of [
    '/api/reviews/../admin',
    '/api/reviews/./x',
    '/..',
    '/api/..',
    '/api/reviews/%2e%2e/admin',
    '/api/reviews/%2E./admin',
    '/api/reviews/.%2e/admin',
    '/api/reviews/%252e%252e/admin',
    '/api/reviews/%25252e%25252e/admin',
    '/api/reviews%2fadmin',
    '/api/reviews%2Fadmin',
    '/api/reviews%252fadmin',
    '/api/reviews%5cadmin',
    '/api/reviews\\admin',
    '/api/reviews/..\\admin',
    '/api/reviews%255c..%255cadmin',
    '/api/reviews;x=1',
    '/api/reviews/..;/admin',
    '/api/reviews%3bx',
    '/api//reviews',
    '//api/reviews',
    '/api/reviews//',
    '/api/reviews%00',
    '/api/reviews%0d%0ax',
    '/api/reviews%7f',
    '/api/%c0%ae%c0%ae/admin',
    '/api/%ff',
    '/api/%2',
    '/api/%zz',
    '/api/reviews#x',
    '/api/reviews x',
    '/api/r\u00e9views',
    'http://host/api/reviews',
    '*',
    '',
  ]) {
    test(`is refused: ${JSON.stringify(target)}`, () => assert.throws(() => canonicalSegments(target), InvalidInputError))
  }

  test('what is let through decodes to segments without anything dangerous, once or twice', () => {
    const piece = fc.constantFrom('a', '.', '/', '%2e', '%2f', '%25', '2e', '2f', '5c', '%5C', ';', '%', '\\', 'é', '%c3%a9', '?', '%3b')
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 10 }), (pieces) => {
        const target = `/${pieces.join('')}`
        let segments: readonly string[]
        try {
          segments = canonicalSegments(target)
        } catch {
          return
        }
        for (const segment of segments) {
          for (const reading of [segment, decodeIfPossible(segment), decodeIfPossible(decodeIfPossible(segment))]) {
            assert.ok(reading !== '.' && reading !== '..' && !/[/\\;\0]/.test(reading), `${target} gives ${reading}`)
          }
        }
      }),
      { numRuns: 5_000 },
    )
  })
})

function decodeIfPossible(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
