import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { ConfigurationError } from 'seaworthy/core'
import { parseGatewayFile } from '../../src/strangler/gateway-file.ts'
import { parsePositioned } from '../../src/strangler/positioned-json.ts'

const SOUND = `{
  "listen": { "port": 8443, "hosts": ["shop.example", "local"], "trustedProxies": ["10.0.0.0/8"] },
  "admin": { "port": 8444, "tokenFile": "secrets/token" },
  "ledger": "ledger",
  "accessLog": 0.1,
  "upstreams": {
    "monolith": { "urls": ["http://127.0.0.1:4101"], "preserveHost": true },
    "reviews": {
      "urls": ["http://127.0.0.1:4201", "http://127.0.0.1:4202"],
      "policy": {
        "timeout": { "connectMs": 500, "answerMs": 2000 },
        "retry": { "attemptsMax": 3, "backoff": { "kind": "constant", "delayMs": 20 }, "budget": { "ratio": 0.2 } },
        "circuitBreaker": { "consecutiveFailures": 5, "openMs": 1000 },
        "bulkhead": { "concurrencyMax": 64 },
        "outlier": { "consecutiveFailures": 5 },
        "healthCheck": { "path": "/readyz" },
        "rateLimit": { "by": "client", "limit": { "kind": "token-bucket", "perSecond": 50, "burst": 10 } },
        "body": { "bytesMax": 65536 }
      }
    }
  },
  "routes": [
    {
      "id": "reviews",
      "match": { "path": "/api/products/:id/reviews", "methods": ["GET"] },
      "from": "monolith",
      "to": "reviews",
      "share": 10,
      "stickyBy": { "cookie": "session" },
      "data": { "url": "http://127.0.0.1:4203/readiness" },
      "shadow": {},
      "guard": { "errorBudget": 0.005 }
    },
    { "id": "rest", "match": { "path": "/*" }, "from": "monolith" }
  ]
}`

describe("a gateway's file", () => {
  test('is read whole, and its paths are taken from where it stands', () => {
    const file = parseGatewayFile(SOUND, '/etc/shop/gateway.json')
    assert.equal(file.ledger, '/etc/shop/ledger')
    assert.equal(file.admin.tokenFile, '/etc/shop/secrets/token')
    assert.deepEqual(file.listen, {
      port: 8443,
      host: '127.0.0.1',
      hosts: ['shop.example', 'local'],
      trustedProxies: ['10.0.0.0/8'],
      certificates: undefined,
    })
    assert.equal(file.upstreams.get('reviews')?.urls.length, 2)
    assert.deepEqual(
      [...file.upstreams.values()].map(({ preserveHost }) => preserveHost),
      [true, false],
    )
    assert.deepEqual(file.upstreams.get('reviews')?.policy.bulkhead, { concurrencyMax: 64 })
    assert.deepEqual(file.routes[0]?.guard, { errorBudget: 0.005 })
  })

  for (const [what, from, to, said, below = 0] of [
    ['a misspelt setting', '"share": 10', '"shares": 10', 'routes[0].shares is no setting here'],
    ['a share beyond all', '"share": 10', '"share": 101', 'routes[0].share is 101, but must be a number from 0 to 100'],
    ['an upstream that is none', '"to": "reviews"', '"to": "ghost"', 'routes[0].to is "ghost", of which upstreams says nothing'],
    [
      'what is neither true nor false',
      '"preserveHost": true',
      '"preserveHost": 1',
      'upstreams.monolith.preserveHost is 1, but must be true or false',
    ],
    ['a policy', '"openMs": 1000', '"openMs": -1', 'upstreams.reviews.policy.circuitBreaker.openMs is -1, but must be'],
    ['a rate limit', '"perSecond": 50', '"perSecond": 0', 'upstreams.reviews.policy.rateLimit.limit.perSecond is 0'],
    ['an address', 'http://127.0.0.1:4202', 'ftp://a', 'upstreams.reviews.urls[1] is "ftp://a", but must be http://HOST:PORT'],
    [
      'a protocol',
      '"http://127.0.0.1:4202"],',
      '"http://127.0.0.1:4202"], "protocol": "h3",',
      'protocol is "h3", but must be "http/1.1" or "h2"',
    ],
    [
      'TLS of an upstream without',
      '["http://127.0.0.1:4101"]',
      '["http://127.0.0.1:4101"], "tls": {}',
      'upstreams.monolith.tls cannot be used',
    ],
    ['two keys', '{ "cookie": "session" }', '{ "cookie": "a", "header": "b" }', 'routes[0].stickyBy must name one of'],
    ['a wrong template', '/api/products/:id/reviews', '/api//x', 'routes[0].match cannot be told apart: Route reviews at /api//x'],
    ['an id twice', '"id": "rest"', '"id": "reviews"', 'routes[1].id is "reviews", as another route\'s is'],
    ['what means nothing without to', '"id": "rest",', '"id": "rest", "share": 5,', 'routes[1].share means nothing without to'],
    ['a public address without names', '"hosts": ["shop.example", "local"]', '"host": "0.0.0.0"', 'listen has no hosts'],
    ['a name that is none', '"shop.example"', '"shop example"', 'listen.hosts has a name that is none'],
    ['what is missing', '"ledger": "ledger",', '', 'ledger is missing: expected a folder', -3],
    ['a name twice', '"accessLog": 0.1', '"ledger": "again"', 'names ledger twice'],
    ['no JSON', '"share": 10,', '"share": 10', 'expected }', 1],
  ] as const) {
    test(`says file, line and field of ${what}`, () => {
      assert.ok(SOUND.includes(from))
      const line = SOUND.slice(0, SOUND.indexOf(from)).split('\n').length + below
      assert.throws(
        () => parseGatewayFile(SOUND.replace(from, to), 'gateway.json'),
        (error: unknown) => {
          assert.ok(error instanceof ConfigurationError)
          assert.ok(error.message.startsWith(`gateway.json:${line}:`), `${error.message}\nand not line ${line}`)
          assert.ok(error.message.includes(said), error.message)
          return true
        },
      )
    })
  }

  test('names everything that is wrong at once', () => {
    const broken = SOUND.replace('"share": 10', '"share": -1').replace('"accessLog": 0.1', '"accessLog": 2')
    assert.throws(() => parseGatewayFile(broken, 'f'), /f:5: accessLog is 2[^]*f:28: routes\[0\]\.share is -1[^]*Nothing of it was applied/)
  })
})

describe('JSON with lines', () => {
  test('is what JSON.parse makes of it', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(0, 2, '\t'), (value, indent) => {
        const text = JSON.stringify(value, undefined, indent)
        assert.deepEqual(parsePositioned(text, 'f').value, JSON.parse(text))
      }),
    )
  })

  test('refuses what JSON.parse refuses', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 8, unit: fc.constantFrom(...'{}[]:,"a1-.e+0 \\nul\n'.split('')) }), (text) => {
        let isJson = true
        try {
          JSON.parse(text)
        } catch {
          isJson = false
        }
        if (isJson) assert.deepEqual(parsePositioned(text, 'f').value, JSON.parse(text))
        else assert.throws(() => parsePositioned(text, 'f'), ConfigurationError)
      }),
      { numRuns: 2_000 },
    )
  })

  test('knows the line of a part, and of what is missing that of the part around it', () => {
    const json = parsePositioned('{\n"a": [\n1,\n{"b":\n2}]}', 'f')
    assert.deepEqual(
      ['', 'a', 'a[0]', 'a[1]', 'a[1].b', 'a[1].c', 'a[9].d', 'z'].map((path) => json.lineOf(path)),
      [1, 2, 3, 4, 4, 4, 2, 1],
    )
  })

  test('has no depth that overflows the stack', () => {
    assert.throws(() => parsePositioned('['.repeat(100_000), 'f'), /nested more than/)
  })
})
