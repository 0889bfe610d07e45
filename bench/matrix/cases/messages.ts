import { passed, refused, refusedOrPassed, refusedWith, staysBelow } from '../expectations.ts'
import { group, type Row } from '../matrix-case.ts'
import { get, post } from './requests.ts'

const line = (first: string): string => `${first}\r\nHost: a\r\n\r\n`

const grammar: readonly Row[] = [
  ['bare LFs throughout', 'GET /m/x HTTP/1.1\nHost: a\n\n', refusedOrPassed()],
  ['a bare LF behind the request line', 'GET /m/x HTTP/1.1\nHost: a\r\n\r\n', refusedOrPassed()],
  ['a bare LF behind a field', 'GET /m/x HTTP/1.1\r\nHost: a\r\nX: y\nZ: w\r\n\r\n', refusedOrPassed()],
  ['a bare CR in a field', 'GET /m/x HTTP/1.1\r\nHost: a\r\nX: y\rZ: w\r\n\r\n', refusedOrPassed()],
  ['a bare CR as the end of a line', 'GET /m/x HTTP/1.1\r\nHost: a\rX: y\r\n\r\n', refused],
  ['a folded line', 'GET /m/x HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n', refusedOrPassed()],
  ['a fold before the first field', 'GET /m/x HTTP/1.1\r\n X: y\r\nHost: a\r\n\r\n', refused],
  ['a NUL in a value', get('/m/x', 'X: y\0z'), refusedOrPassed()],
  ['a NUL in a name', get('/m/x', 'X\0: y'), refused],
  ['a control in a value', get('/m/x', 'X: y\x01z'), refusedOrPassed()],
  ['a DEL in a value', get('/m/x', 'X: y\x7fz'), refusedOrPassed()],
  ['a space before a colon', get('/m/x', 'X : y'), refusedOrPassed({ lacks: /x\s+:/ })],
  ['a line without a colon', get('/m/x', 'X'), refusedOrPassed()],
  ['a field without a name', get('/m/x', ': y'), refusedOrPassed()],
  ['a name with a bracket', get('/m/x', 'X[1]: y'), refusedOrPassed()],
  ['a name beyond ASCII', get('/m/x', 'X\xe9: y'), refusedOrPassed()],
  ['obs-text in a value is opaque', get('/m/x', 'X: \xe9'), refusedOrPassed({ fields: { x: '\xe9' } })],
  ['two spaces in the request line', line('GET  /m/x HTTP/1.1'), refusedOrPassed()],
  ['a tab in the request line', line('GET\t/m/x HTTP/1.1'), refused],
  ['a space behind the version', line('GET /m/x HTTP/1.1 '), refusedOrPassed()],
  ['something behind the version', line('GET /m/x HTTP/1.1 x'), refused],
  ['a space before the method', line(' GET /m/x HTTP/1.1'), refusedOrPassed()],
  ['a method that is no token', line('GE(T /m/x HTTP/1.1'), refused],
  ['a method in lower case is another method', line('get /m/x HTTP/1.1'), refusedOrPassed()],
  ['a method that nobody knows', line('FROBNICATE /m/x HTTP/1.1'), refusedOrPassed()],
  ['one empty line before it', `\r\n${get()}`, refusedOrPassed()],
  ['a control in the target', line('GET /m/\x01 HTTP/1.1'), refused],
  ['a NUL in the target', line('GET /m/\0 HTTP/1.1'), refused],
  ['bytes beyond ASCII in the target', line('GET /m/\xe9 HTTP/1.1'), refusedOrPassed()],
  ['a space in the target', line('GET /m/x y HTTP/1.1'), refused],
  ['a TLS handshake', '\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03\r\n\r\n', refused],
]

const hosts: readonly Row[] = [
  ['none', 'GET /m/x HTTP/1.1\r\n\r\n', refusedWith(400)],
  ['two that differ', 'GET /m/x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', refusedWith(400)],
  ['two that are equal', 'GET /m/x HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n', refusedWith(400)],
  ['two in one line', 'GET /m/x HTTP/1.1\r\nHost: a, b\r\n\r\n', refusedWith(400)],
  ['a space before the colon', 'GET /m/x HTTP/1.1\r\nHost : a\r\n\r\n', refusedWith(400)],
  ['with a path', 'GET /m/x HTTP/1.1\r\nHost: a/b\r\n\r\n', refusedWith(400)],
  ['with a user', 'GET /m/x HTTP/1.1\r\nHost: a@b\r\n\r\n', refusedWith(400)],
  ['with a space', 'GET /m/x HTTP/1.1\r\nHost: a b\r\n\r\n', refusedWith(400)],
  ['with a port that is none', 'GET /m/x HTTP/1.1\r\nHost: a:b\r\n\r\n', refusedWith(400)],
  ['with a port', 'GET /m/x HTTP/1.1\r\nHost: a:80\r\n\r\n', passed()],
  ['an IPv6 address', 'GET /m/x HTTP/1.1\r\nHost: [::1]:80\r\n\r\n', passed()],
  ['the absolute form with another host', 'GET http://b/m/x HTTP/1.1\r\nHost: a\r\n\r\n', refusedOrPassed({ lacks: /^host: a$/m })],
  ['the absolute form with the same host', 'GET http://a/m/x HTTP/1.1\r\nHost: a\r\n\r\n', refusedOrPassed()],
  ['the absolute form with a user', 'GET http://u@a/m/x HTTP/1.1\r\nHost: a\r\n\r\n', refusedOrPassed()],
  ['the absolute form of another scheme', 'GET gopher://a/m/x HTTP/1.1\r\nHost: a\r\n\r\n', refused],
  ['a tunnel', 'CONNECT b:443 HTTP/1.1\r\nHost: b:443\r\n\r\n', refused],
  ['the asterisk form', 'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n', passed({ count: 0 }, 'not passed on below a route')],
]

/** Paths that one program reads below the route and another above it. */
const PATHS: readonly string[] = [
  '/m/../admin',
  '/m/x/../../admin',
  '/m/./../admin',
  '/m/..',
  '/m/%2e%2e/admin',
  '/m/%2E./admin',
  '/m/.%2e/admin',
  '/m/%252e%252e/admin',
  '/m/%25252e%25252e/admin',
  '/m/..%2fadmin',
  '/m/%2e%2e%2fadmin',
  '/m/x%2f..%2f..%2fadmin',
  '/m/..%252fadmin',
  '/m/..\\admin',
  '/m/..%5cadmin',
  '/m/..%255cadmin',
  '/m/%2e%2e%5cadmin',
  '/m/..;/admin',
  '/m/..;x=y/admin',
  '/m/x;/../../admin',
  '/m/%2e%2e;/admin',
  '/m/..%3b/admin',
  '/m/..%00/admin',
  '/m/%00/../../admin',
  '/m//../../admin',
  '/m/x//..//../admin',
  '/m/%c0%ae%c0%ae/admin',
  '//m/../admin',
  '/m/..#/admin',
  '/m/..?/../admin',
]

const paths: readonly Row[] = [
  ...PATHS.map((path): Row => [`\`${path}\``, get(path), staysBelow]),
  ['an encoded letter leads to the same route', get('/%6d/x'), refusedOrPassed()],
  ['a path outside of the route', get('/n/x'), refused],
  ['the query is passed on byte for byte', get('/m/x?a=%2F..&&b=[1]&c=%20+;d=?/'), passed({ target: '/m/x?a=%2F..&&b=[1]&c=%20+;d=?/' })],
  ['an empty query stays', get('/m/x?'), passed({ target: '/m/x?' })],
  ['an encoded path is passed on byte for byte', get('/m/a%20b%C3%BC'), passed({ target: '/m/a%20b%C3%BC' })],
]

const limits: readonly Row[] = [
  ['10,000 headers', get('/m/x', 'X: y\r\n'.repeat(10_000).slice(0, -2)), refused],
  [
    '2,101 headers are too many, or none is lost',
    get('/m/x', `${'X: y\r\n'.repeat(2_100)}Last: 1`),
    refusedOrPassed({ fields: { last: '1' } }),
  ],
  ['a header of 1 MB', get('/m/x', `X: ${'y'.repeat(1_000_000)}`), refused],
  ['a target of 100 KB', get(`/m/${'x'.repeat(100_000)}`), refused],
  ['a head that never ends', [get().slice(0, -2), 'X: y\r\n'], refused, undefined, { drips: true, patienceMs: 2_500 }],
  ['an unknown expectation', post('Expect: cake\r\nContent-Length: 5', 'hello'), refusedOrPassed()],
  ['an expectation without a body', get('/m/x', 'Expect: 100-continue'), refusedOrPassed({ lacks: /expect/ })],
  [
    'an expectation of HTTP/1.0',
    'POST /m/x HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello',
    refusedOrPassed({ lacks: /expect/ }),
  ],
  ['an obfuscated expectation', post('Expect: y 100-continue\r\nContent-Length: 5', 'hello'), refusedOrPassed({ lacks: /expect/ })],
]

export const messageCases = [...group('Grammar', grammar), ...group('Host', hosts), ...group('Paths', paths), ...group('Limits', limits)]
