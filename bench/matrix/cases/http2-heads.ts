import { passed, refused, refusedOrPassed, staysBelow } from '../expectations.ts'
import { field, post, raw, request } from '../http2/requests.ts'
import { http2Group, type Row } from '../matrix-case.ts'

/** What a proxy must not let become two lines of HTTP/1.1, or one of another name. */
const clean = refusedOrPassed({ lacks: /smuggled|^(?:transfer-encoding|upgrade|http2-settings|connection: .*x-evil)|chunked/im })

const pseudo: readonly Row[] = [
  ['all of them', request(), passed({ target: '/m/x' })],
  ['no :method', raw([':scheme', 'http'], [':authority', 'a'], [':path', '/m/x']), refused],
  ['no :scheme', raw([':method', 'GET'], [':authority', 'a'], [':path', '/m/x']), refused],
  ['no :path', raw([':method', 'GET'], [':scheme', 'http'], [':authority', 'a']), refused],
  ['an empty :path', request({ path: '' }), refused],
  ['no :authority and no Host', request({ authority: undefined }), refused],
  ['a Host in the place of :authority', request({ authority: undefined, fields: [['host', 'a']] }), passed({ count: 1 })],
  ['a Host that says the same', field(['host', 'a']), refusedOrPassed()],
  ['a Host that says another', field(['host', 'evil']), refusedOrPassed({ lacks: /evil/ })],
  [
    'two Hosts',
    request({
      authority: undefined,
      fields: [
        ['host', 'a'],
        ['host', 'b'],
      ],
    }),
    refused,
  ],
  ...['method', 'scheme', 'authority', 'path'].map((name): Row => [
    `:${name} twice`,
    field([`:${name}`, { method: 'GET', scheme: 'http', authority: 'a', path: '/m/x' }[name]!]),
    refused,
  ]),
  [
    ':path twice in a row',
    raw([':method', 'GET'], [':scheme', 'http'], [':authority', 'a'], [':path', '/m/x'], [':path', '/m/smuggled']),
    refused,
  ],
  ['one behind another field', raw([':method', 'GET'], [':scheme', 'http'], [':authority', 'a'], ['x', 'y'], [':path', '/m/x']), refused],
  ['one that there is not', raw([':method', 'GET'], [':scheme', 'http'], [':authority', 'a'], [':path', '/m/x'], [':evil', 'x']), refused],
  [
    ':status in a request',
    raw([':method', 'GET'], [':scheme', 'http'], [':authority', 'a'], [':path', '/m/x'], [':status', '200']),
    refused,
  ],
  ['CONNECT', raw([':method', 'CONNECT'], [':authority', 'a:80']), refused],
  [
    ':protocol without CONNECT',
    raw([':method', 'GET'], [':protocol', 'websocket'], [':scheme', 'http'], [':authority', 'a'], [':path', '/m/x']),
    refused,
  ],
]

const method: readonly Row[] = [
  ['a space', request({ method: 'GET /m/smuggled HTTP/1.1' }), refused],
  ['a line break', request({ method: 'GET /m/smuggled HTTP/1.1\r\nHost: a\r\n\r\nGET' }), refused],
  ['a NUL', request({ method: 'GET\0' }), refused],
  ['nothing', request({ method: '' }), refused],
  ['lower case', request({ method: 'get' }), refusedOrPassed()],
]

const path: readonly Row[] = [
  ['a space', request({ path: '/m/x y' }), refused],
  ['a version', request({ path: '/m/x HTTP/1.1\r\nx: smuggled\r\n\r\nGET /m/y' }), refused],
  ['a line break', request({ path: '/m/x\r\nsmuggled: 1' }), refused],
  ['a bare LF', request({ path: '/m/x\nsmuggled: 1' }), refused],
  ['a tab', request({ path: '/m/x\ty' }), refused],
  ['a NUL', request({ path: '/m/x\0' }), refused],
  ['a DEL', request({ path: '/m/x\x7f' }), refused],
  ['bytes beyond ASCII', request({ path: '/m/\xc3\xa9' }), refusedOrPassed()],
  ['the absolute form', request({ path: 'http://evil/m/x' }), refused],
  ['no slash', request({ path: 'm/x' }), refused],
  ['an asterisk', request({ path: '*' }), refused],
  ['a fragment', request({ path: '/m/x#y' }), refusedOrPassed({ lacks: /#/ })],
  ['a query, byte for byte', request({ path: '/m/x?a=%2F..&&b=%zz' }), passed({ target: '/m/x?a=%2F..&&b=%zz' })],
  ['dot segments', request({ path: '/m/../admin' }), staysBelow],
  ['dot segments, encoded', request({ path: '/m/%2e%2e/admin' }), staysBelow],
  ['dot segments, encoded twice', request({ path: '/m/%252e%252e/admin' }), staysBelow],
  ['an encoded slash', request({ path: '/m/..%2fadmin' }), staysBelow],
  ['a backslash', request({ path: '/m/..\\admin' }), staysBelow],
  ['a parameter', request({ path: '/m/..;/admin' }), staysBelow],
  ['two slashes', request({ path: '//m/x' }), staysBelow],
]

const authority: readonly Row[] = [
  ['a line break', request({ authority: 'a\r\nx: smuggled' }), refused],
  ['a space', request({ authority: 'a b' }), refused],
  ['a user', request({ authority: 'user@a' }), refused],
  ['a path', request({ authority: 'a/m' }), refused],
  ['a NUL', request({ authority: 'a\0' }), refused],
  ['nothing', request({ authority: '' }), refused],
  ['a :scheme with a host', request({ scheme: 'http://evil/?' }), refused],
  ['a :scheme with a line break', request({ scheme: 'http\r\nx: smuggled' }), refused],
  ['a :scheme that there is not', request({ scheme: 'ftp' }), refusedOrPassed()],
]

const fields: readonly Row[] = [
  ['a line break in a value', field(['x', 'y\r\nx-evil: smuggled']), clean],
  ['a request in a value', field(['x', 'y\r\n\r\nGET /m/smuggled HTTP/1.1\r\nHost: a\r\n\r\n']), clean],
  ['a bare LF in a value', field(['x', 'y\nx-evil: smuggled']), clean],
  ['a bare CR in a value', field(['x', 'y\rx-evil: smuggled']), clean],
  ['a NUL in a value', field(['x', 'y\0smuggled']), clean],
  ['a line break in a name', field(['x: y\r\nx-evil', 'smuggled']), clean],
  ['a colon in a name', field(['transfer-encoding:chunked\r\nx', 'y']), clean],
  ['a space behind a name', field(['transfer-encoding ', 'chunked']), clean],
  ['a space before a name', field([' transfer-encoding', 'chunked']), clean],
  ['a tab in a name', field(['transfer-encoding\t', 'chunked']), clean],
  ['an upper-case name', field(['X-Upper', 'y']), refusedOrPassed({ lacks: /^X-Upper/m })],
  ['an upper-case Transfer-Encoding', field(['Transfer-Encoding', 'chunked']), clean],
  ['a name beyond ASCII', field(['x\xe9', 'smuggled']), clean],
  ['no name', field(['', 'smuggled']), clean],
  ['white space around a value', field(['x', ' y ']), refusedOrPassed()],
  ['an underscore for a dash', field(['transfer_encoding', 'x']), refusedOrPassed()],
  ['cookies in pieces', field(['cookie', 'a=1'], ['cookie', 'b=2']), passed({ fields: { cookie: 'a=1; b=2' } })],
  [
    'X-Forwarded-For of a stranger',
    field(['x-forwarded-for', '6.6.6.6, 127.0.0.1']),
    passed({ lacks: /^x-forwarded-for: 6\.6\.6\.6, 127\.0\.0\.1$/m }),
  ],
  ['TE: trailers', field(['te', 'trailers']), passed()],
  ['TE with anything else', field(['te', 'gzip']), refusedOrPassed({ lacks: /gzip/ })],
]

/** They are the sender's to its connection, and HTTP/2 has none of them: not one may come out of the proxy as a line. */
const gone = refusedOrPassed({ lacks: /^(?:connection: (?!close|keep-alive)|proxy-connection|keep-alive|upgrade|http2-settings|x-evil)/im })
const HIDDEN = '0\r\n\r\nGET /m/smuggled HTTP/1.1\r\nHost: a\r\n\r\n'

const ofConnection: readonly Row[] = [
  ['Connection that names a field', field(['connection', 'x-evil'], ['x-evil', '1']), gone],
  ['Connection: close', field(['connection', 'close']), gone],
  ['Keep-Alive', field(['keep-alive', 'timeout=9']), gone],
  ['Proxy-Connection', field(['proxy-connection', 'keep-alive']), gone],
  ['Upgrade to WebSocket', field(['upgrade', 'websocket'], ['connection', 'upgrade']), gone],
  [
    'Upgrade to h2c',
    field(['upgrade', 'h2c'], ['http2-settings', 'AAMAAABkAARAAAAAAAIAAAAA'], ['connection', 'upgrade, http2-settings']),
    gone,
  ],
  ['Upgrade alone', field(['upgrade', 'websocket']), gone],
  ['Transfer-Encoding: chunked', post(HIDDEN, ['transfer-encoding', 'chunked']), refusedOrPassed({ body: HIDDEN })],
  ['Transfer-Encoding: identity', post('hello', ['transfer-encoding', 'identity']), refusedOrPassed({ body: 'hello', lacks: /identity/ })],
]

export const http2HeadCases = [
  ...http2Group('HTTP/2: pseudo-header fields', pseudo),
  ...http2Group('HTTP/2: in :method', method),
  ...http2Group('HTTP/2: in :path', path),
  ...http2Group('HTTP/2: in :authority and :scheme', authority),
  ...http2Group('HTTP/2: fields', fields),
  ...http2Group('HTTP/2: fields that are of a connection', ofConnection),
]
