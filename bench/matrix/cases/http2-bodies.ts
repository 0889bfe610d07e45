import { answers, passed, refused, refusedOrPassed, visiblyBroken } from '../expectations.ts'
import { block, data, frame, HEADERS, DATA, END_HEADERS, PADDED, section } from '../http2/frames.ts'
import { fieldsOf, post, request } from '../http2/requests.ts'
import { OPENING } from '../http2/frames.ts'
import { DROP, http2Group, type Row, THEN_CLOSE, THEN_RESET } from '../matrix-case.ts'
import { SMUGGLED } from './requests.ts'

const head = (length?: string): string =>
  section(block(fieldsOf({ body: '', ...(length !== undefined && { fields: [['content-length', length]] }) })), { ends: false })

const lengths: readonly Row[] = [
  ['that is right', post('hello', ['content-length', '5']), passed({ body: 'hello' })],
  ['none', post('hello'), passed({ body: 'hello' })],
  [
    'none, and a body in pieces',
    OPENING + head() + data('hel', { ends: false }) + data('', { ends: false }) + data('lo'),
    passed({ body: 'hello' }),
  ],
  ['none, and no body', post(''), passed({ body: '' })],
  ['of 0, and a request behind it', post(SMUGGLED, ['content-length', '0']), refused],
  ['too short by some', post('hello', ['content-length', '3']), refused],
  ['too long by some', post('hello', ['content-length', '8']), refused],
  ['without a body', request({ fields: [['content-length', '5']] }), refused],
  ['twice, that differ', post('hello', ['content-length', '5'], ['content-length', '0']), refused],
  ['twice, the same', post('hello', ['content-length', '5'], ['content-length', '5']), refusedOrPassed({ body: 'hello' })],
  ['a list', post('hello', ['content-length', '5, 5']), refused],
  ['a sign', post('hello', ['content-length', '+5']), refused],
  ['a minus', post('hello', ['content-length', '-5']), refused],
  ['hexadecimal', post('hello', ['content-length', '0x5']), refused],
  ['letters behind', post('hello', ['content-length', '5a']), refused],
  ['nothing', post('hello', ['content-length', '']), refused],
  ['beyond 64 bits', post('hello', ['content-length', '18446744073709551621']), refused],
]

const bodies: readonly Row[] = [
  ['padding', OPENING + head() + frame(DATA, '\x03hello\0\0\0', { flags: PADDED | 1, stream: 1 }), passed({ body: 'hello' })],
  ['padding longer than its frame', OPENING + head() + frame(DATA, '\x09hello', { flags: PADDED | 1, stream: 1 }), refused],
  ['chunks, which mean nothing', post('5\r\nhello\r\n0\r\n\r\n'), passed({ body: '5\r\nhello\r\n0\r\n\r\n' })],
  ['data before its head', OPENING + data('hello') + head('5'), refused],
  ['data behind its end', `${post('hello')}${data('more')}`, refusedOrPassed({ body: 'hello' })],
  [
    'a second head behind its end',
    `${post('hello')}${section(block(fieldsOf({ path: '/m/smuggled' })))}`,
    refusedOrPassed({ body: 'hello' }),
  ],
  ['trailers', request({ body: 'hello', trailers: [['x-sum', '7']] }), refusedOrPassed({ body: 'hello' })],
  [
    'trailers that frame or tell an origin',
    request({
      body: 'hello',
      trailers: [
        ['x-forwarded-for', '6.6.6.6'],
        ['host', 'evil'],
      ],
    }),
    refusedOrPassed({ body: 'hello', trailers: /^(?![^]*(?:host|x-forwarded))/i }),
  ],
  ['trailers with Transfer-Encoding', request({ body: 'hello', trailers: [['transfer-encoding', 'chunked']] }), refused],
  ['trailers with a pseudo-header field', request({ body: 'hello', trailers: [[':path', '/m/smuggled']] }), refused],
  [
    'trailers that do not end the stream',
    OPENING + head() + data('hello', { ends: false }) + frame(HEADERS, block([['x', 'y']]), { flags: END_HEADERS, stream: 1 }),
    refused,
  ],
  ['too large a body, by its length', OPENING + head('2000000'), refused],
]

const fromUpstream: readonly Row[] = [
  ['an answer', request(), answers('200 and its body', { statuses: [200], matches: /HEADERS 200\nok/ })],
  [
    'a body in chunks',
    request(),
    answers('its data', { statuses: [200], matches: /HEADERS 200\n(?:hel\n?lo)/ }),
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n',
  ],
  [
    '103 before the answer',
    request(),
    answers('200', { statuses: [200] }),
    'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
  ],
  [
    'HEAD',
    request({ method: 'HEAD' }),
    answers('200 without a body', { statuses: [200], lacks: /ok/ }),
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n',
  ],
  ['no answer', request(), answers('an error', { matches: /HEADERS 50[234]/ }), DROP],
  ['half of a body with a length', request(), visiblyBroken, `HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf${THEN_CLOSE}`],
  ['half of a body in chunks', request(), visiblyBroken, `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n${THEN_CLOSE}`],
  ['half of a body that a reset ends', request(), visiblyBroken, `HTTP/1.1 200 OK\r\n\r\nhalf${THEN_RESET}`],
  ['a broken chunk', request(), visiblyBroken, 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nxyz\r\n'],
  [
    'both framings',
    request(),
    answers('502', { statuses: [502] }),
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  ],
]

export const http2BodyCases = [
  ...http2Group('HTTP/2: Content-Length', lengths),
  ...http2Group('HTTP/2: bodies', bodies),
  ...http2Group('HTTP/2: answers', fromUpstream),
]
