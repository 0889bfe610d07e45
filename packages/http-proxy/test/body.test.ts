import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { BodyReader } from '../src/body-reader.ts'
import type { Framing } from '../src/framing.ts'
import { HeadParser } from '../src/head.ts'
import { MalformedMessageError } from '../src/malformed.ts'

const parser = new HeadParser({ headerBytesMax: 1_024, headersMax: 10 })

/** Reads the text, cut into pieces of that many bytes, as the body. */
function read(framing: Framing, text: string, pieceBytes = text.length) {
  const reader = new BodyReader(framing, parser)
  const spans: Buffer[] = []
  let left = ''
  for (let at = 0; at < text.length; at += pieceBytes) {
    const piece = Buffer.from(text.slice(at, at + pieceBytes), 'latin1')
    left += piece.toString('latin1', reader.ended ? 0 : reader.read(piece, 0, spans))
  }
  return { body: Buffer.concat(spans).toString('latin1'), ended: reader.ended, trailers: reader.trailers, left, bytes: reader.bytes }
}
const chunked = (text: string, pieceBytes?: number) => read({ kind: 'chunked' }, text, pieceBytes)

describe('a body', () => {
  test('of a length ends there', () => {
    assert.deepEqual(read({ kind: 'length', bytes: 5 }, 'helloGET', 3), { body: 'hello', ended: true, trailers: '', left: 'GET', bytes: 5 })
    assert.equal(read({ kind: 'length', bytes: 0 }, '').ended, true)
    assert.equal(read({ kind: 'length', bytes: 6 }, 'hello').ended, false)
  })

  test('until the close never ends by its bytes', () => {
    assert.deepEqual(read({ kind: 'close' }, 'hello', 2), { body: 'hello', ended: false, trailers: '', left: '', bytes: 5 })
  })

  test('in chunks is put together, without extensions, and with its trailers', () => {
    const text = '5;name="v"\r\nhello\r\n006\r\n world\r\n0\r\nX-Sum: 1\r\nContent-Length: 9\r\n\r\nGET'
    for (let pieceBytes = 1; pieceBytes <= text.length; pieceBytes++) {
      assert.deepEqual(chunked(text, pieceBytes), { body: 'hello world', ended: true, trailers: 'X-Sum: 1\r\n', left: 'GET', bytes: 11 })
    }
  })

  for (const [what, text] of [
    ['no size', '\r\nhello'],
    ['a size with a sign', '+5\r\nhello\r\n'],
    ['a size with 0x', '0x5\r\nhello\r\n'],
    ['a space before the size', ' 5\r\nhello\r\n'],
    ['a space behind the size', '5 \r\nhello\r\n'],
    ['a size that overflows', '10000000000000005\r\nhello\r\n'],
    ['zeros without end', `${'0'.repeat(20)}5\r\nhello\r\n`],
    ['a bare LF behind the size', '5\nhello\r\n'],
    ['a bare CR behind the size', '5\rhello\r\n'],
    ['a bare LF in an extension', '5;a\nhello\r\n'],
    ['a bare CR in an extension', '5;a\rb\r\nhello\r\n'],
    ['a NUL in an extension', '5;\0\r\nhello\r\n'],
    ['extensions without end', `5;${'a'.repeat(2_000)}\r\nhello\r\n`],
    ['data longer than the size', '5\r\nhello!\r\n'],
    ['a bare LF behind the data', '5\r\nhello\n0\r\n\r\n'],
    ['a bare LF at the end', '0\r\n\n'],
    ['a trailer with a bare LF', '0\r\na: b\n\r\n'],
    ['a folded trailer', '0\r\na: b\r\n c\r\n\r\n'],
    ['too many trailers', `0\r\n${'a: b\r\n'.repeat(11)}\r\n`],
  ] as const) {
    test(`in chunks is refused with ${what}`, () => {
      assert.throws(() => chunked(text), MalformedMessageError)
      assert.throws(() => chunked(text, 1), MalformedMessageError)
    })
  }

  test('in chunks reads the same however it is chunked and cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ minLength: 1, maxLength: 20, unit: 'binary-ascii' })),
        fc.integer({ min: 1, max: 9 }),
        (chunks, cut) => {
          const text = `${chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('')}0\r\n\r\n`
          assert.deepEqual(chunked(text, cut), {
            body: chunks.join(''),
            ended: true,
            trailers: '',
            left: '',
            bytes: chunks.join('').length,
          })
        },
      ),
    )
  })
})
