import { answers, passed, refused, refusedOrPassed } from '../expectations.ts'
import {
  ACK,
  block,
  CONTINUATION,
  DATA,
  data,
  END_HEADERS,
  END_STREAM,
  frame,
  GOAWAY,
  HEADERS,
  indexedField,
  INDEX_62,
  OPENING,
  PING,
  PRIORITY,
  PUSH_PROMISE,
  RST_STREAM,
  section,
  SETTINGS,
  uint32,
  WINDOW_UPDATE,
} from '../http2/frames.ts'
import { fieldsOf, post, request } from '../http2/requests.ts'
import { http2Group, type Row } from '../matrix-case.ts'

const CANCEL = 8
const head = block(fieldsOf({}))
const many = (count: number, make: (index: number) => string): string => Array.from({ length: count }, (_, index) => make(index)).join('')
const streamOf = (index: number): number => 2 * index + 1

const ended = answers('the connection ends', { matches: /GOAWAY/ })

const floods: readonly Row[] = [
  [
    'an HPACK bomb: one field of 4,000 bytes, named 12,000 times',
    OPENING + section(head + indexedField(['x', 'y'.repeat(4_000)]) + INDEX_62.repeat(12_000)),
    refused,
  ],
  ['2,000 fields', OPENING + section(head + block(Array.from({ length: 2_000 }, (_, index) => [`x-${index}`, 'y'] as const))), refused],
  ['a field of 100,000 bytes', OPENING + section(head + block([['x', 'y'.repeat(100_000)]])), refused],
  [
    'CONTINUATION without end (CVE-2024-27316)',
    OPENING +
      frame(HEADERS, head, { flags: END_STREAM, stream: 1 }) +
      many(5_000, () => frame(CONTINUATION, block([['x', 'y'.repeat(100)]]), { stream: 1 })),
    refused,
  ],
  [
    'empty CONTINUATION without end',
    OPENING + frame(HEADERS, head, { flags: END_STREAM, stream: 1 }) + many(20_000, () => frame(CONTINUATION, '', { stream: 1 })),
    refused,
  ],
  [
    'rapid reset: 2,000 requests, each cancelled at once (CVE-2023-44487)',
    OPENING +
      many(2_000, (index) => section(head, { stream: streamOf(index) }) + frame(RST_STREAM, uint32(CANCEL), { stream: streamOf(index) })),
    ended,
  ],
  ['20,000 PINGs (CVE-2019-9512)', OPENING + many(20_000, () => frame(PING, '12345678')), ended],
  ['20,000 SETTINGS (CVE-2019-9515)', OPENING + many(20_000, () => frame(SETTINGS, '')), ended],
  [
    '20,000 empty DATA (CVE-2019-9518)',
    OPENING + section(block(fieldsOf({ body: '' })), { ends: false }) + many(20_000, () => frame(DATA, '', { stream: 1 })),
    answers('the connection or the stream ends', { matches: /GOAWAY|RST_STREAM/ }),
  ],
  [
    'more requests at once than are allowed',
    OPENING + many(2_000, (index) => section(block(fieldsOf({ body: '' })), { ends: false, stream: streamOf(index) })),
    answers('some refused', { matches: /RST_STREAM|GOAWAY/ }),
  ],
]

const SLOW = { patienceMs: 3_500 }

const slow: readonly Row[] = [
  ['half of the preface', 'PRI * HTTP/2.0\r\n', answers('closed', { isOver: true }), undefined, SLOW],
  ['a preface, and nothing', OPENING, answers('closed', { isOver: true }), undefined, SLOW],
  [
    'a head without its end',
    OPENING + frame(HEADERS, head, { flags: END_STREAM, stream: 1 }),
    answers('closed', { upstreamRequests: 0, isOver: true }),
    undefined,
    SLOW,
  ],
]

const frames: readonly Row[] = [
  ['another preface', 'PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n', refused],
  ['a second preface', `${OPENING}PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n`, refused],
  ['HTTP/1.1 behind the preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nGET /m/smuggled HTTP/1.1\r\nHost: a\r\n\r\n', refused],
  ['a frame of an unknown type', OPENING + frame(0xfe, 'what', { stream: 0 }) + section(head), passed()],
  ['a frame longer than is allowed', OPENING + frame(DATA, 'x'.repeat(16_385), { stream: 1 }), refused],
  ['SETTINGS of a wrong length', OPENING + frame(SETTINGS, '12345'), refused],
  ['SETTINGS on a stream', OPENING + frame(SETTINGS, '', { stream: 1 }), refused],
  ['an acknowledgement with a payload', OPENING + frame(SETTINGS, '123456', { flags: ACK }), refused],
  ['PING on a stream', OPENING + frame(PING, '12345678', { stream: 1 }), refused],
  ['PING of a wrong length', OPENING + frame(PING, '1234567'), refused],
  ['DATA on the connection', OPENING + frame(DATA, 'x', { flags: END_STREAM }), refused],
  ['HEADERS on the connection', OPENING + frame(HEADERS, head, { flags: END_STREAM | END_HEADERS }), refused],
  ['HEADERS on an even stream', OPENING + section(head, { stream: 2 }), refused],
  [
    'HEADERS on a stream before the last',
    OPENING + section(head, { stream: 5 }) + section(block(fieldsOf({ path: '/m/smuggled' })), { stream: 3 }),
    refusedOrPassed({ target: '/m/x' }),
  ],
  ['RST_STREAM of a stream that there is not', OPENING + frame(RST_STREAM, uint32(CANCEL), { stream: 1 }), refused],
  ['WINDOW_UPDATE by nothing', OPENING + frame(WINDOW_UPDATE, uint32(0)), refused],
  ['WINDOW_UPDATE beyond 2^31', OPENING + frame(WINDOW_UPDATE, uint32(2 ** 31 - 1)), refused],
  ['PUSH_PROMISE of a client', OPENING + frame(PUSH_PROMISE, uint32(2) + head, { flags: END_HEADERS, stream: 1 }), refused],
  ['CONTINUATION of nothing', OPENING + frame(CONTINUATION, head, { flags: END_HEADERS, stream: 1 }), refused],
  ['another frame within a head', OPENING + frame(HEADERS, head, { flags: END_STREAM, stream: 1 }) + frame(PING, '12345678'), refused],
  ['an index that the dictionary has not', OPENING + section(`${head}\xff\x80\x01`), refused],
  ['a dictionary larger than is allowed', OPENING + section(`\x3f\xff\xff\x7f${head}`), refused],
  ['a length beyond the head', OPENING + section(`${head}\x00\x01x\x7f\xff\xff\xff\x0f`), refused],
  [
    'a stream that depends on itself',
    OPENING + frame(PRIORITY, `${uint32(1)}\x10`, { stream: 1 }) + section(head),
    answers('200 or refused', { matches: /HEADERS 200|GOAWAY|RST_STREAM/ }),
  ],
  [
    'GOAWAY of the client, and a request',
    OPENING + frame(GOAWAY, uint32(0) + uint32(0)) + section(head),
    answers('200 or closed', { matches: /HEADERS 200|GOAWAY|^$/ }),
  ],
  [
    'two requests at once',
    OPENING + section(head) + section(block(fieldsOf({ path: '/m/y' })), { stream: 3 }),
    answers('both', { statuses: [200, 200], upstreamRequests: 2 }),
  ],
  ['a request and a PING', request() + frame(PING, '12345678'), passed()],
  [
    'a body and more window',
    post('hello') + frame(WINDOW_UPDATE, uint32(1_000)) + data('', { stream: 3 }),
    answers('the first is answered, or the connection ends', { matches: /HEADERS 200|GOAWAY/ }),
  ],
]

export const http2ConnectionCases = [
  // What else a proxy does while it is flooded is not what the other cases ask.
  ...http2Group('HTTP/2: floods', floods).map((each) => ({ ...each, isAlone: true as const })),
  ...http2Group('HTTP/2: slow clients', slow),
  ...http2Group('HTTP/2: frames', frames),
]
