import { answers, passed, refused } from '../expectations.ts'
import { block, data, type FieldLine, OPENING, section } from '../http2/frames.ts'
import { ACCEPT, http2Group, OK, type Row } from '../matrix-case.ts'

const SMUGGLED = 'GET /m/smuggled HTTP/1.1\r\nHost: a\r\n\r\n'

/** A client that asks for a WebSocket by an extended CONNECT (RFC 8441), and what it says behind that. */
function connect({
  fields = [],
  says = '',
  protocol = 'websocket',
}: { fields?: readonly FieldLine[]; says?: string; protocol?: string } = {}): string {
  const head: readonly FieldLine[] = [
    [':method', 'CONNECT'],
    [':protocol', protocol],
    [':scheme', 'http'],
    [':authority', 'a'],
    [':path', '/m/x'],
    ['sec-websocket-version', '13'],
    ...fields,
  ]
  return `${OPENING}${section(block(head), { ends: false })}${says === '' ? '' : data(says, { ends: false })}`
}

const switching = (accept: string, rest: string, protocol = 'websocket') =>
  `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n${rest}`

const FORBIDDEN = 'HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n'

const rows: readonly Row[] = [
  [
    'is asked for by an Upgrade',
    connect(),
    passed({ fields: { upgrade: 'websocket', 'sec-websocket-version': '13' } }),
    switching(ACCEPT, ''),
  ],
  [
    'is opened, and the bytes behind the 101 pass',
    connect(),
    answers('200 and the bytes', { statuses: [200], matches: /welcome/ }),
    switching(ACCEPT, 'welcome'),
  ],
  ['that the upstream refuses is answered', connect(), answers('403', { statuses: [403] }), FORBIDDEN],
  ['is not said to an upstream that has not agreed', connect({ says: SMUGGLED }), passed({ count: 1, target: '/m/x' }), FORBIDDEN],
  ['that the upstream answers with 200 is not opened', connect(), answers('an error', { statuses: [502] }), OK],
  [
    'whose 101 proves nothing is not opened',
    connect(),
    answers('an error', { statuses: [502], lacks: /evil/ }),
    switching('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=', 'evil'),
  ],
  [
    'is no other protocol than was asked for',
    connect(),
    answers('an error', { statuses: [502], lacks: /evil/ }),
    switching(ACCEPT, 'evil', 'evil'),
  ],
  ['with a Content-Length', connect({ fields: [['content-length', '5']] }), refused],
  [
    'that ends with its head',
    `${OPENING}${section(
      block([
        [':method', 'CONNECT'],
        [':protocol', 'websocket'],
        [':scheme', 'http'],
        [':authority', 'a'],
        [':path', '/m/x'],
      ]),
    )}`,
    refused,
  ],
  ['by another protocol', connect({ protocol: 'h2c' }), refused],
]

export const http2WebSocketCases = http2Group('HTTP/2: WebSocket', rows)
