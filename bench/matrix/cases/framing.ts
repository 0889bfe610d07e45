import { oneReading, passed, refused, refusedOrHttp2, refusedOrPassed, refusedWith } from '../expectations.ts'
import { group, type Row } from '../matrix-case.ts'
import { CHUNKS, get, post, SMUGGLED, TE } from './requests.ts'

/** Transfer-Encodings that one program takes for `chunked` and another does not. */
const OBFUSCATIONS: readonly (readonly [name: string, line: string])[] = [
  ['a space before the colon', 'Transfer-Encoding : chunked'],
  ['a tab before the colon', 'Transfer-Encoding\t: chunked'],
  ['a vertical tab before the value', 'Transfer-Encoding: \x0bchunked'],
  ['a form feed behind the value', 'Transfer-Encoding: chunked\x0c'],
  ['a NUL behind the value', 'Transfer-Encoding: chunked\0'],
  ['quotes', 'Transfer-Encoding: "chunked"'],
  ['single quotes', "Transfer-Encoding: 'chunked'"],
  ['xchunked', 'Transfer-Encoding: xchunked'],
  ['chunked-false', 'Transfer-Encoding: chunked-false'],
  ['a parameter', 'Transfer-Encoding: chunked;q=1'],
  ['identity', 'Transfer-Encoding: identity'],
  ['chunked, identity', 'Transfer-Encoding: chunked, identity'],
  ['identity, chunked', 'Transfer-Encoding: identity, chunked'],
  ['gzip, chunked', 'Transfer-Encoding: gzip, chunked'],
  ['chunked twice in a line', 'Transfer-Encoding: chunked, chunked'],
  ['chunked in two lines', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked'],
  ['a second line of identity', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity'],
  ['a first line of identity', 'Transfer-Encoding: identity\r\nTransfer-Encoding: chunked'],
  ['a leading comma', 'Transfer-Encoding: ,chunked'],
  ['a trailing comma', 'Transfer-Encoding: chunked,'],
  ['no value', 'Transfer-Encoding:'],
  ['a folded value', 'Transfer-Encoding:\r\n chunked'],
  ['a bare LF before the value', 'Transfer-Encoding:\n chunked'],
  ['a bare CR in the value', 'Transfer-Encoding: chu\rnked'],
  ['obs-text behind the value', 'Transfer-Encoding: chunked\xa0'],
  ['a K of another alphabet', 'Transfer-Encoding: chun\xe2\x84\xaaed'],
  ['hidden behind a bare LF', 'X: y\nTransfer-Encoding: chunked'],
  ['hidden behind a bare CR', 'X: y\rTransfer-Encoding: chunked'],
  ['a folded first line', ' Transfer-Encoding: chunked'],
  ['a NUL in the name', 'Transfer\0-Encoding: chunked'],
]

const LENGTHS: readonly (readonly [name: string, lines: string])[] = [
  ['two that differ', 'Content-Length: 5\r\nContent-Length: 0'],
  ['a list that differs', 'Content-Length: 5, 0'],
  ['a sign', 'Content-Length: +5'],
  ['a minus', 'Content-Length: -5'],
  ['hexadecimal', 'Content-Length: 0x5'],
  ['a fraction', 'Content-Length: 5.0'],
  ['an exponent', 'Content-Length: 5e0'],
  ['an underscore', 'Content-Length: 0_5'],
  ['a space inside', 'Content-Length: 0 5'],
  ['letters behind', 'Content-Length: 5abc'],
  ['no value', 'Content-Length:'],
  ['quotes', 'Content-Length: "5"'],
  ['beyond 64 bits', 'Content-Length: 18446744073709551621'],
  ['a space before the colon', 'Content-Length : 5'],
  ['a NUL behind', 'Content-Length: 5\0'],
]

const both: readonly Row[] = [
  ['Content-Length before chunked', post(`Content-Length: 5\r\n${TE}`, CHUNKS), oneReading],
  ['chunked before Content-Length', post(`${TE}\r\nContent-Length: 5`, CHUNKS), oneReading],
  ['a Content-Length of 0 and a request in chunks', post(`Content-Length: 0\r\n${TE}`, `0\r\n\r\n${SMUGGLED}`), oneReading],
  ['a Content-Length that hides a request', post(`${TE}\r\nContent-Length: ${5 + SMUGGLED.length}`, `0\r\n\r\n${SMUGGLED}`), oneReading],
  ['chunked and Content-Length on GET', `GET /m/x HTTP/1.1\r\nHost: a\r\n${TE}\r\nContent-Length: 5\r\n\r\n${CHUNKS}`, oneReading],
]

const obfuscated: readonly Row[] = OBFUSCATIONS.map(([name, line]) => [
  name,
  post(`${line}\r\nContent-Length: ${SMUGGLED.length + 5}`, `0\r\n\r\n${SMUGGLED}`),
  refusedOrPassed({ body: `0\r\n\r\n${SMUGGLED}` }),
])

const lengths: readonly Row[] = [
  ...LENGTHS.map(([name, lines]): Row => [name, post(lines, 'hello'), refused]),
  ['a folded value', post('Content-Length:\r\n 5', 'hello'), refusedOrPassed({ body: 'hello' })],
]

const chunks: readonly Row[] = [
  ['are passed on', post(TE, CHUNKS), passed({ body: 'hello' })],
  ['in mixed case', post('tRANSFER-eNCODING: Chunked', CHUNKS), passed({ body: 'hello' })],
  ['with leading zeros', post(TE, '0005\r\nhello\r\n0\r\n\r\n'), refusedOrPassed({ body: 'hello' })],
  ['with an extension', post(TE, '5;a=b\r\nhello\r\n0\r\n\r\n'), refusedOrPassed({ body: 'hello' })],
  ['with a quoted extension', post(TE, '5;a="b;c"\r\nhello\r\n0\r\n\r\n'), refusedOrPassed({ body: 'hello' })],
  ['with an extension that ends in a bare LF', post(TE, `5;a\nhello\r\n0\r\n\r\n`), refusedOrPassed({ body: 'hello' })],
  ['with a bare CR in an extension', post(TE, '5;a\rb\r\nhello\r\n0\r\n\r\n'), refusedOrPassed({ body: 'hello' })],
  ['with a NUL in an extension', post(TE, '5;a\0\r\nhello\r\n0\r\n\r\n'), refusedOrPassed({ body: 'hello' })],
  ['with an extension of 64 KiB', post(TE, `5;${'a'.repeat(65_536)}\r\nhello\r\n0\r\n\r\n`), refused],
  ['whose size has a sign', post(TE, '+5\r\nhello\r\n0\r\n\r\n'), refused],
  ['whose size is negative', post(TE, '-5\r\nhello\r\n0\r\n\r\n'), refused],
  ['whose size has 0x', post(TE, '0x5\r\nhello\r\n0\r\n\r\n'), refused],
  ['whose size has an underscore', post(TE, '0_5\r\nhello\r\n0\r\n\r\n'), refused],
  ['whose size is empty', post(TE, '\r\nhello\r\n0\r\n\r\n'), refused],
  ['whose size is no number', post(TE, 'xyz\r\nhello\r\n0\r\n\r\n'), refused],
  ['whose size has a space before', post(TE, ' 5\r\nhello\r\n0\r\n\r\n'), refusedOrPassed({ body: 'hello' })],
  ['whose size has a space behind', post(TE, '5 \r\nhello\r\n0\r\n\r\n'), refusedOrPassed({ body: 'hello' })],
  ['whose size overflows 32 bits', post(TE, '100000005\r\nhello\r\n0\r\n\r\n'), passed({ count: 0 }, 'not taken for 5')],
  ['whose size overflows 64 bits', post(TE, '10000000000000005\r\nhello\r\n0\r\n\r\n'), refused],
  ['whose size has a hundred zeros', post(TE, `${'0'.repeat(100)}5\r\nhello\r\n0\r\n\r\n`), refusedOrPassed({ body: 'hello' })],
  ['whose size ends in a bare LF', post(TE, '5\nhello\r\n0\r\n\r\n'), refusedOrPassed({ body: 'hello' })],
  ['whose size ends in a bare CR', post(TE, '5\rhello\r\n0\r\n\r\n'), refused],
  ['whose data is longer', post(TE, '5\r\nhello!!\r\n0\r\n\r\n'), refused],
  ['whose data ends in a bare LF', post(TE, '5\r\nhello\n0\r\n\r\n'), refusedOrPassed({ body: 'hello' })],
  ['whose last one ends in a bare LF', post(TE, '5\r\nhello\r\n0\n\r\n'), refusedOrPassed({ body: 'hello' })],
  ['whose end is a bare LF', post(TE, '5\r\nhello\r\n0\r\n\n'), refusedOrPassed({ body: 'hello' })],
  ['with a request behind them', post(TE, `${CHUNKS}${SMUGGLED}`), passed({ body: 'hello', count: 2 })],
]

const versions: readonly Row[] = [
  ['HTTP/1.0 with chunks', `POST /m/x HTTP/1.0\r\nHost: a\r\n${TE}\r\n\r\n${CHUNKS}`, refused],
  ['HTTP/1.0 with chunks and a Content-Length', `POST /m/x HTTP/1.0\r\nHost: a\r\n${TE}\r\nContent-Length: 5\r\n\r\n${CHUNKS}`, refused],
  ['HTTP/1.0 with a Content-Length', 'POST /m/x HTTP/1.0\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello', passed({ body: 'hello' })],
  ['HTTP/1.2', 'GET /m/x HTTP/1.2\r\nHost: a\r\n\r\n', refusedOrPassed()],
  ['HTTP/2.0', 'GET /m/x HTTP/2.0\r\nHost: a\r\n\r\n', refused],
  ['HTTP/0.9', 'GET /m/x\r\n', refused, undefined, { patienceMs: 2_500 }],
  ['a version in lower case', 'GET /m/x http/1.1\r\nHost: a\r\n\r\n', refused],
  ['a version with two digits', 'GET /m/x HTTP/1.10\r\nHost: a\r\n\r\n', refused],
  ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', refusedOrHttp2],
]

const bodies: readonly Row[] = [
  ['a GET with one is framed', `GET /m/x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello`, refusedOrPassed({ body: 'hello' })],
  ['a GET with chunks is framed', `GET /m/x HTTP/1.1\r\nHost: a\r\n${TE}\r\n\r\n${CHUNKS}`, refusedOrPassed({ body: 'hello' })],
  ['a POST without one', 'POST /m/x HTTP/1.1\r\nHost: a\r\n\r\n', passed({ body: '' })],
  ['a POST of none with a request behind it', `POST /m/x HTTP/1.1\r\nHost: a\r\n\r\n${SMUGGLED}`, passed({ count: 2 })],
  ['a Content-Length of 0 with a request behind it', post('Content-Length: 0', SMUGGLED), passed({ count: 2 })],
  ['larger than is taken, by its Content-Length', post('Content-Length: 99999999999'), refusedWith(413)],
  [
    'larger than is taken, while it waits for 100 Continue',
    post('Content-Length: 99999999999\r\nExpect: 100-continue'),
    refusedWith(413, 417),
  ],
  [
    'that is not whole never ends at the upstream',
    post('Content-Length: 10', 'hello'),
    passed({ count: 0 }, 'not passed on as if it were whole'),
  ],
  [
    'by another spelling of Content-Length',
    `${post('Content_Length: 5\r\nContent-Length: 0')}${get('/m/y')}`,
    passed({ count: 2, fields: { content_length: undefined } }),
  ],
]

export const framingCases = [
  ...group('Content-Length and Transfer-Encoding', both),
  ...group('Transfer-Encoding, obfuscated, with a Content-Length', obfuscated),
  ...group('Content-Length with', lengths),
  ...group('Chunks', chunks),
  ...group('Versions', versions),
  ...group('Bodies', bodies),
]
