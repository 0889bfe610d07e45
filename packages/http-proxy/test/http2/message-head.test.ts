import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { HeadParser } from '../../src/head.ts'
import { fieldsByName, rawFields, requestHead, responseHead, trailerLines } from '../../src/http2/message-head.ts'
import { defaultLimits } from '../../src/limits.ts'
import { MalformedMessageError } from '../../src/malformed.ts'

const parser = new HeadParser(defaultLimits)
const PSEUDO = [':method', 'POST', ':scheme', 'http', ':authority', 'a:1', ':path', '/x?y'] as const
const request = (...fields: string[]) => requestHead([...PSEUDO, ...fields], false, parser)

describe('the head of a request in HTTP/2', () => {
  test('is that of the same request in HTTP/1.1', () => {
    const head = request('x-a', '1', 'x-a', '2', 'te', 'trailers', 'connection-like', 'x')
    assert.deepEqual([head.method, head.target, head.minorVersion], ['POST', '/x?y', 1])
    assert.equal(head.fields.endToEnd, 'x-a: 1\r\nx-a: 2\r\nconnection-like: x\r\n')
    assert.deepEqual(
      ['host', 'te', 'transfer-encoding'].map((name) => head.fields.get(name as 'host')),
      ['a:1', 'trailers', 'chunked'],
    )
  })

  test('has a length, or chunks, or no body', () => {
    assert.equal(request('content-length', '5').fields.get('transfer-encoding'), undefined)
    assert.equal(requestHead(PSEUDO, true, parser).fields.get('transfer-encoding'), undefined)
  })

  test('has one line of cookies', () => {
    assert.equal(request('cookie', 'a=1', 'x', 'y', 'cookie', 'b=2').fields.endToEnd, 'x: y\r\ncookie: a=1; b=2\r\n')
  })

  // What nghttp2 refuses today, the proxy does not lean on.
  for (const [what, raw] of [
    ['a method with a space', [':method', 'GET /', ...PSEUDO.slice(2)]],
    ['no method', PSEUDO.slice(2)],
    ['no scheme', [...PSEUDO.slice(0, 2), ...PSEUDO.slice(4)]],
    ['no path', PSEUDO.slice(0, 6)],
    ['a path with a space', [...PSEUDO.slice(0, 6), ':path', '/x HTTP/1.1']],
    ['a path with a line break', [...PSEUDO.slice(0, 6), ':path', '/x\r\ny: z']],
    ['the absolute form', [...PSEUDO.slice(0, 6), ':path', 'http://evil/']],
    ['a scheme that is none', [...PSEUDO.slice(0, 2), ':scheme', 'ftp', ...PSEUDO.slice(4)]],
    ['a path twice', [...PSEUDO, ':path', '/y']],
    ['a pseudo-header field that there is not', [...PSEUDO, ':protocol', 'websocket']],
    ['one behind a host', [...PSEUDO.slice(0, 6), 'host', 'a:1', ':path', '/x']],
    ['another host', [...PSEUDO, 'host', 'evil']],
    ['two hosts', [...PSEUDO.slice(0, 4), ':path', '/x', 'host', 'a', 'host', 'a']],
    ['a line break in a value', [...PSEUDO, 'x', 'y\r\nz: 1']],
    ['a NUL in a value', [...PSEUDO, 'x', 'y\0']],
    ['white space at an end', [...PSEUDO, 'x', 'y ']],
    ['a line break in a name', [...PSEUDO, 'x: y\r\nz', '1']],
    ['an upper-case name', [...PSEUDO, 'X', 'y']],
    ['a space in a name', [...PSEUDO, 'transfer-encoding ', 'chunked']],
    ['no name', [...PSEUDO, '', 'y']],
    ['Transfer-Encoding', [...PSEUDO, 'transfer-encoding', 'chunked']],
    ['Connection', [...PSEUDO, 'connection', 'close']],
    ['Upgrade', [...PSEUDO, 'upgrade', 'websocket']],
    ['another TE', [...PSEUDO, 'te', 'gzip']],
    ['too many fields', [...PSEUDO, ...Array.from({ length: 400 }, () => 'x')]],
  ] as const) {
    test(`is none with ${what}`, () => assert.throws(() => requestHead(raw, false, parser), MalformedMessageError))
  }

  test('is read as one request, or as none, whatever stands in it', () => {
    const text = fc.oneof(
      fc.string({ maxLength: 12 }),
      fc.constantFrom('\r\n', 'a\r\nb: c', ' ', '\0', 'GET / HTTP/1.1', 'transfer-encoding', ':path', '/'),
    )
    fc.assert(
      fc.property(fc.array(fc.tuple(text, text), { maxLength: 6 }), fc.boolean(), (pairs, isPrefixed) => {
        const raw = [...(isPrefixed ? PSEUDO : []), ...pairs.flat()]
        let head
        try {
          head = requestHead(raw, true, parser)
        } catch (error) {
          assert.ok(error instanceof MalformedMessageError)
          return
        }
        // Not a line more than fields came in.
        const names = new Set(raw.filter((_, index) => index % 2 === 0))
        for (const name of Object.keys(fieldsByName(head.fields.endToEnd))) assert.ok(names.has(name))
        assert.doesNotMatch(head.target, /[^!-~]/)
      }),
    )
  })
})

describe('an answer in HTTP/2', () => {
  test('is that of the same answer in HTTP/1.1', () => {
    const head = responseHead([':status', '200', 'x', 'y'], false, parser)
    assert.deepEqual([head.status, head.fields.endToEnd, head.fields.get('transfer-encoding')], [200, 'x: y\r\n', 'chunked'])
    assert.equal(responseHead([':status', '204'], true, parser).fields.get('transfer-encoding'), undefined)
    for (const raw of [
      [],
      [':status', '20'],
      [':status', '200', ':path', '/'],
      [':status', '200', 'x', 'y\nz'],
      [':status', '200', 'connection', 'close'],
    ])
      assert.throws(() => responseHead(raw, false, parser), MalformedMessageError)
  })

  test('has trailers without what has no business there', () => {
    assert.equal(trailerLines(['x', 'y', 'host', 'evil', 'x-forwarded-for', '6.6.6.6'], parser), 'x: y\r\n')
    assert.throws(() => trailerLines([':path', '/'], parser), MalformedMessageError)
  })
})

describe('lines as fields of HTTP/2', () => {
  test('have names in lower case, no white space around a value, and no more than is taken off', () => {
    assert.deepEqual(rawFields('X-A:\t 1 2\xa0 \r\nhttp2-settings: x\r\nx-b:\r\n'), ['x-a', '1 2\xa0', 'x-b', ''])
    assert.deepEqual({ ...fieldsByName('a: 1\r\nA: 2\r\n') }, { a: ['1', '2'] })
  })
})
