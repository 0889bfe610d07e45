import { answers, passed, refusedOrPassed, visiblyBroken } from '../expectations.ts'
import { DROP, type Expectation, group, OK, type Row, type Seen, THEN_CLOSE, THEN_RESET } from '../matrix-case.ts'
import { CHUNKS, get, post, TE } from './requests.ts'

const valuesOf = ({ requests }: Seen, name: string) => requests[0]?.headers.flatMap(([each, value]) => (each === name ? [value] : [])) ?? []

/** What comes last there is the address that the proxy saw: readers count from the right. */
const addressSeen: Expectation = {
  says: 'X-Forwarded-For ends in the address that the proxy saw',
  wrong(seen) {
    const last = valuesOf(seen, 'x-forwarded-for').at(-1)?.split(',').at(-1)?.trim()
    return last !== undefined && /^(?:::ffff:)?127\.0\.0\.1$/.test(last) ? undefined : `it ends in ${last ?? 'nothing'}`
  },
}

const hopByHop = (name: string, field = `${name}: x`, lacks = new RegExp(`^${name}: x`, 'im')): Row => [
  `${name} stays behind`,
  get('/m/x', field),
  passed({ lacks }),
]

const requests: readonly Row[] = [
  hopByHop('Keep-Alive', 'Keep-Alive: x=1'),
  hopByHop('Proxy-Connection'),
  hopByHop('TE', 'TE: x'),
  hopByHop('Upgrade', 'Upgrade: x'),
  hopByHop('Proxy-Authorization'),
  ['a field that Connection names stays behind', get('/m/x', 'Connection: X-Mine\r\nX-Mine: 1'), passed({ lacks: /^x-mine/m })],
  [
    'fields that Connection names in two lines stay behind',
    get('/m/x', 'Connection: X-A\r\nX-A: 1\r\nX-B: 2\r\nConnection: x-b'),
    passed({ lacks: /^x-[ab]:/m }),
  ],
  ['and in other letters', get('/m/x', 'Connection: close,x-MINE\r\nX-Mine: 1'), passed({ lacks: /^x-mine/m })],
  ['Connection: X-Forwarded-For takes nothing of the proxy', get('/m/x', 'Connection: X-Forwarded-For'), addressSeen],
  ['Connection: Host takes nothing', get('/m/x', 'Connection: Host'), passed({}, 'passed on with a Host')],
  [
    'Connection: Content-Length takes nothing',
    post('Connection: Content-Length\r\nContent-Length: 5', 'hello'),
    refusedOrPassed({ body: 'hello' }),
  ],
  [
    'Connection: Transfer-Encoding takes nothing',
    post(`Connection: Transfer-Encoding\r\n${TE}`, CHUNKS),
    refusedOrPassed({ body: 'hello' }),
  ],
  [
    'h2c is not passed on',
    get('/m/x', 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__'),
    passed({ lacks: /h2c|http2-settings/i }),
  ],
  [
    'fields keep their order and repetition',
    get('/m/x', 'X-A: 1\r\nX-B: 2\r\nX-A: 3'),
    {
      says: 'both X-A, in order',
      wrong: (seen) =>
        valuesOf(seen, 'x-a').join(' ').replace(',', '') === '1 3' ? undefined : `X-A: ${valuesOf(seen, 'x-a').join(' and ')}`,
    },
  ],
  [
    'trailers reach the upstream',
    post(`Trailer: X-Sum\r\n${TE}`, '5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n'),
    passed({ body: 'hello', trailers: /x-sum/i }),
  ],
  [
    'trailers bring no field of framing or origin',
    post(TE, '5\r\nhello\r\n0\r\nContent-Length: 1\r\nX-Forwarded-For: 6.6.6.6\r\nX-Sum: 1\r\n\r\n'),
    refusedOrPassed({ body: 'hello', trailers: /^(?![^]*(?:content-length|x-forwarded))/i }),
  ],
]

const origin: readonly Row[] = [
  ['X-Forwarded-For of a stranger', get('/m/x', 'X-Forwarded-For: 6.6.6.6'), addressSeen],
  ['and twice', get('/m/x', 'X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 7.7.7.7'), addressSeen],
  ['X-Forwarded-For with an underscore', get('/m/x', 'X_Forwarded_For: 6.6.6.6'), passed({ lacks: /6\.6\.6\.6/ })],
  ['X-Forwarded-Proto of a stranger', get('/m/x', 'X-Forwarded-Proto: https'), passed({ lacks: /^x-forwarded-proto: https/m })],
  ['X-Forwarded-Host of a stranger', get('/m/x', 'X-Forwarded-Host: evil'), passed({ lacks: /^x-forwarded-host: .*evil/m })],
  [
    'X-Forwarded-Port and -Prefix of a stranger',
    get('/m/x', 'X-Forwarded-Port: 666\r\nX-Forwarded-Prefix: /evil'),
    passed({ lacks: /^x-forwarded-(?:port: 666|prefix: .*evil)/m }),
  ],
  ['Forwarded of a stranger', get('/m/x', 'Forwarded: for=6.6.6.6'), passed({ lacks: /^forwarded: for=6\.6\.6\.6$/m })],
  ['X-Real-IP of a stranger', get('/m/x', 'X-Real-IP: 6.6.6.6'), passed({ lacks: /^x-real-ip: 6/m })],
  [
    'traceparent that holds is handed on',
    get('/m/x', 'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'),
    passed({ fields: { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' } }),
  ],
  ['traceparent that does not is dropped', get('/m/x', 'traceparent: 00-xyz'), passed({ lacks: /^traceparent/m })],
  [
    'what only the inside may say of attempts is dropped',
    get('/m/x', 'X-Seaworthy-Retried-By-Caller: 1\r\nX-Seaworthy-Actor: root'),
    passed({ lacks: /x-seaworthy/ }),
  ],
]

const answer = (head: string, body = '') => `HTTP/1.1 ${head}\r\n\r\n${body}`
const withOk = (lines: string, body = 'ok') => answer(`200 OK\r\n${lines}`, body)
const NEXT = get('/m/next')
const inStep = (statuses: readonly number[], matches?: RegExp) =>
  answers('answered, and the next answer is its own', { statuses, ...(matches && { matches }) })

const answered: readonly Row[] = [
  ['a length', get(), answers('answered', { statuses: [200], matches: /\r\n\r\nok$/ })],
  ['chunks', get(), answers('answered', { statuses: [200], matches: /ok[^]*0\r\n\r\n$/ }), withOk(TE, '2\r\nok\r\n0\r\n\r\n')],
  [
    'trailers',
    get('/m/x', 'TE: trailers'),
    answers('trailers reach the client', { matches: /\r\n0\r\nx-sum: 1\r\n\r\n$/i }),
    withOk(`Trailer: X-Sum\r\n${TE}`, '2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n'),
  ],
  [
    'the end of the connection',
    get(),
    answers('answered, and its end can be seen', { statuses: [200], matches: /ok/ }),
    withOk('X: y') + THEN_CLOSE,
  ],
  ['HEAD with a Content-Length', `${get().replace('GET', 'HEAD')}${NEXT}`, inStep([200, 200]), [answer('200 OK\r\nContent-Length: 2'), OK]],
  [
    'HEAD keeps the Content-Length',
    get().replace('GET', 'HEAD'),
    answers('with its Content-Length', { matches: /content-length: 2\r\n/i }),
    answer('200 OK\r\nContent-Length: 2'),
  ],
  ['HEAD with chunks', `${get().replace('GET', 'HEAD')}${NEXT}`, inStep([200, 200]), [answer(`200 OK\r\n${TE}`), OK]],
  ['304 with a Content-Length', `${get()}${NEXT}`, inStep([304, 200]), [answer('304 Not Modified\r\nContent-Length: 2'), OK]],
  ['204', `${get()}${NEXT}`, inStep([204, 200]), [answer('204 No Content'), OK]],
  [
    '204 with a Content-Length',
    `${get()}${NEXT}`,
    answers('answered without it, or refused', { lacks: /204[^]*content-length: 2[^]*HTTP\/1/i }),
    [answer('204 No Content\r\nContent-Length: 2'), OK],
  ],
  [
    '103 reaches the client',
    get(),
    answers('103 and 200', { matches: /^HTTP\/1\.1 103 [^]*link[^]*HTTP\/1\.1 200 /i }),
    `${answer('103 Early Hints\r\nLink: </a>')}${OK}`,
  ],
  [
    '103 does not reach a client of HTTP/1.0',
    'GET /m/x HTTP/1.0\r\nHost: a\r\n\r\n',
    answers('200 alone', { matches: /^HTTP\/1\.[01] 200 / }),
    `${answer('103 Early Hints\r\nLink: </a>')}${OK}`,
  ],
  ['100 for which nobody waits', get(), answers('200', { statuses: [200] }), `${answer('100 Continue')}${OK}`],
  [
    'chunks to a client of HTTP/1.0',
    'GET /m/x HTTP/1.0\r\nHost: a\r\n\r\n',
    answers('answered without chunks', { statuses: [200], lacks: /transfer-encoding|\r\n0\r\n/i, end: 'closed' }),
    withOk(TE, '2\r\nok\r\n0\r\n\r\n'),
  ],
  [
    'hop-by-hop fields',
    get(),
    answers('they stay behind', { statuses: [200], lacks: /^(?:x-internal|proxy-authenticate|keep-alive: x).*$/im }),
    withOk('Connection: X-Internal\r\nX-Internal: 1\r\nProxy-Authenticate: Basic\r\nKeep-Alive: x=1\r\nContent-Length: 2'),
  ],
  [
    'cookies in several lines',
    get(),
    answers('they stay several', { matches: /set-cookie: a=1\r\n[^]*set-cookie: b=2\r\n/i }),
    withOk('Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 2'),
  ],
]

const bad = answers('an error, and nothing of it', { statuses: [502], lacks: /evil/ })
const ambiguous: readonly Row[] = [
  [
    'Content-Length and chunks',
    get(),
    {
      says: 'an error, or made one thing only',
      wrong: (seen) =>
        /^content-length:(?:.+\r\n)*transfer-encoding:|^transfer-encoding:(?:.+\r\n)*content-length:/im.test(seen.answer)
          ? 'passes on both'
          : undefined,
    },
    withOk(`Content-Length: 2\r\n${TE}`, '2\r\nok\r\n0\r\n\r\n'),
  ],
  ['two Content-Lengths that differ', get(), answers('an error', { statuses: [502] }), withOk('Content-Length: 2\r\nContent-Length: 3')],
  ['a Content-Length with a sign', get(), answers('an error', { statuses: [502] }), withOk('Content-Length: +2')],
  [
    'an unknown coding',
    get(),
    answers('an error, or not passed on', { lacks: /transfer-encoding: *xchunked/i }),
    withOk('Transfer-Encoding: xchunked', '2\r\nok\r\n0\r\n\r\n') + THEN_CLOSE,
  ],
  [
    'HTTP/1.0 with chunks',
    get(),
    answers('an error', { statuses: [502] }),
    `HTTP/1.0 200 OK\r\n${TE}\r\n\r\n2\r\nok\r\n0\r\n\r\n` + THEN_CLOSE,
  ],
  [
    'a second answer behind the first',
    `${get()}${NEXT}`,
    answers('it is nobody’s', { lacks: /evil/ }),
    [`${OK}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`, OK],
  ],
  ['a space before a colon', get(), answers('an error, or mended', { lacks: /X :/ }), withOk('X : y\r\nContent-Length: 2')],
  ['a folded line', get(), answers('an error, or mended', { lacks: /\r\n[ \t]/ }), withOk('X: y\r\n z\r\nContent-Length: 2')],
  ['a NUL in a value', get(), answers('an error, or mended', { lacks: /\0/ }), withOk('X: y\0\r\nContent-Length: 2')],
  ['no HTTP', get(), bad, '220 smtp evil\r\n' + THEN_CLOSE],
  [
    'a switch of protocol for which nobody asked',
    get(),
    answers('an error', { statuses: [502], lacks: /evil/ }),
    'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nevil',
  ],
  [
    'interim answers without end',
    get(),
    answers('an error', { statuses: [502] }),
    'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'.repeat(2_000) + THEN_CLOSE,
  ],
  ['a head of 1 MB', get(), answers('an error', { statuses: [502] }), withOk(`X: ${'y'.repeat(1_000_000)}\r\nContent-Length: 2`)],
]

const broken: readonly Row[] = [
  ['in the middle of a length', get(), visiblyBroken, withOk('Content-Length: 10', 'half') + THEN_CLOSE],
  ['in the middle of a length, by a reset', get(), visiblyBroken, withOk('Content-Length: 10', 'half') + THEN_RESET],
  ['in the middle of chunks', get(), visiblyBroken, withOk(TE, '5\r\nhello\r\n') + THEN_CLOSE],
  ['in the middle of a chunk', get(), visiblyBroken, withOk(TE, '5\r\nhel') + THEN_CLOSE],
  ['in the middle of chunks, by a reset', get(), visiblyBroken, withOk(TE, '5\r\nhello\r\n') + THEN_RESET],
  ['with a chunk that is none', get(), visiblyBroken, withOk(TE, '5\r\nhello\r\nxyz\r\n')],
  ['before the end of its connection, by a reset', get(), visiblyBroken, withOk('X: y', 'half') + THEN_RESET],
  ['in the middle of its head', get(), answers('an error', { statuses: [502] }), 'HTTP/1.1 200 OK\r\nContent-Le' + THEN_CLOSE],
  [
    'in the middle of chunks, to a client of HTTP/1.0',
    'GET /m/x HTTP/1.0\r\nHost: a\r\n\r\n',
    visiblyBroken,
    withOk(TE, '5\r\nhello\r\n') + THEN_CLOSE,
  ],
]

// Some wait a second before they try again.
const SLOW = { patienceMs: 1_500 }
const kept: readonly Row[] = [
  [
    'GET on a kept connection that was just closed is repeated',
    [get(), get('/m/2')],
    answers('200 twice', { statuses: [200, 200], upstreamRequests: 3 }),
    [OK, DROP, OK],
    SLOW,
  ],
  [
    'POST on a kept connection that was just closed is not',
    [get(), post('Content-Length: 1', 'x')],
    answers('200, then 502 after one attempt', { statuses: [200, 502], upstreamRequests: 2 }),
    [OK, DROP, OK],
    SLOW,
  ],
  [
    'GET of which a byte was answered is not',
    [get(), get('/m/2')],
    answers('200, then 502 after one attempt', { statuses: [200, 502], upstreamRequests: 2 }),
    [OK, `H${THEN_CLOSE}`, OK],
    SLOW,
  ],
  [
    'POST on a fresh connection that closes is not',
    post('Content-Length: 1', 'x'),
    answers('502 after one attempt', { statuses: [502], upstreamRequests: 1 }),
    [DROP, OK],
    SLOW,
  ],
  [
    'connections to the upstream are kept',
    [get(), get('/m/2'), get('/m/3')],
    answers('one connection', { statuses: [200, 200, 200], upstreamConnections: 1 }),
  ],
  [
    'pipelined requests are answered in order',
    `${get('/m/1')}${get('/m/2')}${get('/m/3')}`,
    inStep([201, 202, 203]),
    [answer('201 Created\r\nContent-Length: 0'), answer('202 Accepted\r\nContent-Length: 0'), answer('203 X\r\nContent-Length: 0')],
  ],
  [
    'a client of HTTP/1.0 is left after its answer',
    'GET /m/x HTTP/1.0\r\nHost: a\r\n\r\n',
    answers('answered and closed', { statuses: [200], end: 'closed' }),
  ],
  ['Connection: close is kept to', get('/m/x', 'Connection: close'), answers('answered and closed', { statuses: [200], end: 'closed' })],
  [
    'a final answer in place of 100 Continue',
    post('Expect: 100-continue\r\nContent-Length: 5'),
    answers('401', { statuses: [401] }),
    answer('401 Unauthorized\r\nContent-Length: 0'),
  ],
]

const UPGRADE = get(
  '/m/x',
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13',
)
const upgrades: readonly Row[] = [
  [
    'is passed on',
    UPGRADE,
    answers('101 and the bytes behind it', { statuses: [101], matches: /welcome$/ }),
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\nwelcome',
  ],
  [
    'that the upstream refuses is answered, and HTTP goes on',
    [UPGRADE, NEXT],
    inStep([403, 200]),
    [answer('403 Forbidden\r\nContent-Length: 0'), OK],
  ],
  ['that the upstream answers with 200 opens no tunnel', [UPGRADE, NEXT], inStep([200, 200]), [OK, OK]],
  ['without Connection: upgrade is not passed on', get('/m/x', 'Upgrade: websocket'), passed({ lacks: /upgrade/ })],
  [
    'to another protocol than was asked for',
    UPGRADE,
    answers('an error', { statuses: [502], lacks: /evil/ }),
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: evil\r\n\r\nevil',
  ],
]

export const forwardingCases = [
  ...group('Fields of the connection', requests),
  ...group('Where a request came from', origin),
  ...group('Answers framed by', answered),
  ...group('Answers that could be read in two ways', ambiguous),
  ...group('Answers that break off', broken),
  ...group('Kept connections', kept),
  ...group('WebSocket', upgrades),
]
