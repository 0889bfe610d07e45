import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { HeadParser, type RequestHead } from '../src/head.ts'
import { MalformedMessageError } from '../src/malformed.ts'

const parser = new HeadParser({ headerBytesMax: 1_024, headersMax: 10 })
const bytesOf = (text: string) => Buffer.from(text, 'latin1')
const request = (text: string) => parser.request(bytesOf(text), 0)
const response = (text: string) => parser.response(bytesOf(text), 0)

describe('the head of a request', () => {
  test('is read into what decides, and the rest as it came', () => {
    const text = 'POST /a?b=%20 HTTP/1.1\r\nX-One:1\r\nHost: \t shop \r\nX-Two: \xe9 2 \r\nContent-Length: 5\r\nx-three:\r\n\r\nhello'
    const head = request(text)!
    assert.deepEqual([head.method, head.target, head.minorVersion], ['POST', '/a?b=%20', 1])
    assert.deepEqual([head.fields.get('host'), head.fields.get('content-length')], ['shop', '5'])
    assert.equal(head.fields.endToEnd, 'X-One:1\r\nX-Two: \xe9 2 \r\nx-three:\r\n')
    assert.equal(text.slice(head.next), 'hello')
  })

  test('may follow one empty line, and no more', () => {
    assert.equal(request('\r\nGET / HTTP/1.1\r\n\r\n')?.method, 'GET')
    assert.throws(() => request('\r\n\r\nGET / HTTP/1.1\r\n\r\n'), MalformedMessageError)
  })

  test('keeps repeated lines of a known field together, and says that there were several', () => {
    const { fields } = request('GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1\r\nx-forwarded-for: 2\r\n\r\n')!
    assert.deepEqual(
      [fields.get('x-forwarded-for'), fields.isRepeated('x-forwarded-for'), fields.isRepeated('host')],
      ['1, 2', true, false],
    )
  })

  test('loses what Connection names, and what looks like a field of the inside', () => {
    const { fields } = request(
      'GET / HTTP/1.1\r\nHost: a\r\nConnection: close, X-Mine\r\nx-mine: 1\r\nX-Mine-Too: 2\r\nX_Forwarded_For: 3\r\nX-Forwarded-Port: 4\r\nX-Seaworthy-Actor: 5\r\nContent_Length: 6\r\n\r\n',
    )!
    assert.equal(fields.endToEnd, 'X-Mine-Too: 2\r\n')
    assert.equal(fields.get('content-length'), undefined)
  })

  for (const [what, text] of [
    ['a bare LF behind the request line', 'GET / HTTP/1.1\nHost: a\r\n\r\n'],
    ['a bare LF behind a field', 'GET / HTTP/1.1\r\nHost: a\n\r\n'],
    ['a bare LF as the empty line', 'GET / HTTP/1.1\r\nHost: a\r\n\n'],
    ['a bare CR in a field', 'GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n'],
    ['a NUL in a value', 'GET / HTTP/1.1\r\nHost: a\0\r\n\r\n'],
    ['a DEL in a value', 'GET / HTTP/1.1\r\nHost: a\x7f\r\n\r\n'],
    ['a NUL in a name', 'GET / HTTP/1.1\r\nHo\0st: a\r\n\r\n'],
    ['a folded line', 'GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n'],
    ['a folded first line', 'GET / HTTP/1.1\r\n Host: a\r\n\r\n'],
    ['a space before the colon', 'GET / HTTP/1.1\r\nHost : a\r\n\r\n'],
    ['a line without a colon', 'GET / HTTP/1.1\r\nHost\r\n\r\n'],
    ['an empty name', 'GET / HTTP/1.1\r\n: a\r\n\r\n'],
    ['obs-text in a name', 'GET / HTTP/1.1\r\nH\xf6st: a\r\n\r\n'],
    ['two spaces in the request line', 'GET  / HTTP/1.1\r\n\r\n'],
    ['a tab in the request line', 'GET\t/ HTTP/1.1\r\n\r\n'],
    ['a space behind the version', 'GET / HTTP/1.1 \r\n\r\n'],
    ['no version', 'GET /\r\n\r\n'],
    ['a version in lower case', 'GET / http/1.1\r\n\r\n'],
    ['another version', 'GET / HTTP/1.2\r\n\r\n'],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\n'],
    ['a method that is no token', 'G(T / HTTP/1.1\r\n\r\n'],
    ['a target with a control', 'GET /\x01 HTTP/1.1\r\n\r\n'],
    ['a target beyond ASCII', 'GET /\xe9 HTTP/1.1\r\n\r\n'],
    ['a TLS handshake', '\x16\x03\x01\x02\x00\x01'],
  ] as const) {
    test(`is refused with ${what}`, () => assert.throws(() => request(text), MalformedMessageError))
  }

  test('is refused with too many fields, and with too many bytes, whole or not', () => {
    const breach = (text: string) => {
      try {
        request(text)
        return undefined
      } catch (error) {
        return (error as MalformedMessageError).breach
      }
    }
    assert.equal(breach(`GET / HTTP/1.1\r\n${'a: b\r\n'.repeat(11)}\r\n`), 'fields')
    assert.equal(breach(`GET / HTTP/1.1\r\n${'a: b\r\n'.repeat(10)}\r\n`), undefined)
    assert.equal(breach(`GET /${'x'.repeat(1_024)}`), 'size')
    assert.equal(breach(`GET / HTTP/1.1\r\na: ${'x'.repeat(1_024)}\r\n\r\n`), 'size')
    assert.equal(breach('GET / HTTP/2.0\r\n\r\n'), 'version')
  })

  test('means the same however its bytes are cut', () => {
    const value = fc.stringMatching(/^[!-~\x80-\xff]{0,8}$/)
    const name = fc.constantFrom('host', 'X-A', 'Connection', 'x_forwarded_for', 'Transfer-Encoding', 'content-length', 'b')
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value), { maxLength: 8 }), fc.nat(), (fields, cut) => {
        const bytes = bytesOf(`GET /x HTTP/1.1\r\n${fields.map(([key, content]) => `${key}: ${content}\r\n`).join('')}\r\nrest`)
        const whole = parser.request(bytes, 0)!
        const part = parser.request(bytes.subarray(0, cut % (whole.next - 1)), 0)
        assert.equal(part, undefined)
        assert.equal(bytes.length - whole.next, 4)
      }),
    )
  })

  test('of any bytes is a head, unfinished or malformed, and nothing else', () => {
    const piece = fc.constantFrom(
      'GET',
      ' ',
      '/',
      'HTTP/1.1',
      '\r\n',
      '\r',
      '\n',
      'Host',
      ':',
      'a',
      '\t',
      '\0',
      '\xff',
      'Content-Length',
      '5',
      ',',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 24 }), (pieces) => {
        let head: RequestHead | undefined
        try {
          head = request(pieces.join(''))
        } catch (error) {
          assert.ok(error instanceof MalformedMessageError)
          return
        }
        if (head === undefined) return
        // What is passed on passes the same grammar again, and nothing known is left in it.
        const again = request(`GET / HTTP/1.1\r\n${head.fields.endToEnd}\r\n`)!
        assert.equal(again.fields.endToEnd, head.fields.endToEnd)
        for (const known of ['host', 'content-length', 'connection'] as const) assert.equal(again.fields.get(known), undefined)
      }),
      { numRuns: 5_000 },
    )
  })
})

describe('the head of an answer', () => {
  test('is read, with and without a reason', () => {
    for (const [line, status, reason] of [
      ['HTTP/1.1 200 OK', 200, 'OK'],
      ['HTTP/1.0 404 Not Found \xe9', 404, 'Not Found \xe9'],
      ['HTTP/1.1 299 ', 299, ''],
      ['HTTP/1.1 204', 204, ''],
    ] as const) {
      const head = response(`${line}\r\nServer: x\r\nConnection: close\r\nX-Seaworthy-Executed: no\r\n\r\n`)!
      assert.deepEqual([head.status, head.reason], [status, reason])
      assert.equal(head.fields.endToEnd, 'Server: x\r\nX-Seaworthy-Executed: no\r\n')
    }
  })

  for (const text of [
    'HTTP/1.1 20 OK\r\n\r\n',
    'HTTP/1.1 2000 OK\r\n\r\n',
    'HTTP/1.1 099 OK\r\n\r\n',
    'HTTP/1.1 600 OK\r\n\r\n',
    'HTTP/1.1  200 OK\r\n\r\n',
    'HTTP/1.1 200 O\0K\r\n\r\n',
    'HTTP/1.1 200 OK\n\r\n',
    'HTTP/1.1 200 OK\r\nA: b\n\r\n',
    'HTTP/1.1 200 OK\r\nA : b\r\n\r\n',
    'HTTP/1.1 200 OK\r\n A: b\r\n\r\n',
    'HTTP/2 200 OK\r\n\r\n',
    '220 smtp ready\r\n',
  ]) {
    test(`is refused: ${JSON.stringify(text)}`, () => assert.throws(() => response(text), MalformedMessageError))
  }
})
