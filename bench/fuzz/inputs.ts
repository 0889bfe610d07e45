import { type Random, seededRandom } from 'seaworthy/core'

/** What a client sends: well-formed requests one after another, and what becomes of them under a few changes. */
export function inputOf(seed: number): string {
  const draw = new Draw(seededRandom(seed))
  const requests = Array.from({ length: 1 + draw.below(3) }, (_, index) => requestOf(draw, index))
  let text = requests.join('')
  const changes = draw.below(3) === 0 ? 0 : 1 + draw.below(3)
  for (let change = 0; change < changes; change++) text = changed(draw, text)
  // Whatever ends in step with the proxy ends the connection.
  return `${text}GET /m/end HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`
}

/** Where the input is cut into segments that are sent apart. */
export function cutsOf(seed: number, length: number): readonly number[] {
  const draw = new Draw(seededRandom(seed ^ 0x5eed))
  return Array.from({ length: draw.below(3) }, () => draw.below(length)).toSorted((a, b) => a - b)
}

class Draw {
  readonly #random: Random

  constructor(random: Random) {
    this.#random = random
  }

  below(limit: number): number {
    return Math.floor(this.#random.float() * limit)
  }

  of<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!
  }
}

const BODIES = ['', 'x', 'hello', '0\r\n\r\n', 'GET /m/in HTTP/1.1\r\nHost: a\r\n\r\n', '5\r\nhello\r\n0\r\n\r\n', 'a\nb\r\n\0']
const FIELDS = [
  'X: y',
  'X:',
  'Content-Length: 0',
  'Content-Length: 5',
  'Content-Length: 5, 5',
  'Content-Length: +5',
  'Content_Length: 5',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: Chunked',
  'Transfer-Encoding: xchunked',
  'Transfer-Encoding: chunked, identity',
  'Transfer-Encoding : chunked',
  'Transfer_Encoding: chunked',
  'Connection: Content-Length',
  'Connection: Transfer-Encoding, Host',
  'Connection: keep-alive',
  'Expect: 100-continue',
  'Host: b',
  'Trailer: X',
  'TE: trailers',
  'Upgrade: h2c',
  'X: y\n z',
  'X: y\r\n z',
]
const BYTES = [
  '\r',
  '\n',
  '\r\n',
  '\0',
  '\t',
  ' ',
  ':',
  ';',
  ',',
  '0',
  '5',
  'a',
  '+',
  '-',
  '_',
  '"',
  '\x0b',
  '\x7f',
  '\xa0',
  '\xff',
  '\r\n\r\n',
  '\n\n',
]

function requestOf(draw: Draw, index: number): string {
  const body = draw.of(BODIES)
  const lines = ['Host: a']
  let sent = ''
  if (draw.below(2) === 0) {
    lines.push('Transfer-Encoding: chunked')
    sent = chunked(draw, body)
  } else if (body !== '' || draw.below(2) === 0) {
    lines.push(`Content-Length: ${body.length}`)
    sent = body
  }
  if (draw.below(4) === 0) lines.splice(draw.below(lines.length + 1), 0, draw.of(FIELDS))
  return `${draw.of(['GET', 'POST', 'PUT', 'DELETE'])} /m/${index} HTTP/1.${draw.below(16) === 0 ? 0 : 1}\r\n${lines.join('\r\n')}\r\n\r\n${sent}`
}

function chunked(draw: Draw, body: string): string {
  let text = ''
  for (let at = 0; at < body.length;) {
    const size = 1 + draw.below(body.length - at)
    text += `${draw.of(['', '', '0', '00'])}${size.toString(16)}${draw.of(['', '', '', ';a', ';a=b', ';a="b;c"'])}\r\n${body.slice(at, at + size)}\r\n`
    at += size
  }
  return `${text}0\r\n${draw.of(['', '', '', 'X: y\r\n', 'Content-Length: 5\r\n'])}\r\n`
}

function changed(draw: Draw, text: string): string {
  const at = draw.below(text.length)
  switch (draw.below(6)) {
    case 0:
      return text.slice(0, at) + draw.of(BYTES) + text.slice(at)
    case 1:
      return text.slice(0, at) + text.slice(at + 1 + draw.below(3))
    case 2:
      return text.slice(0, at) + draw.of(BYTES) + text.slice(at + 1)
    case 3: {
      // A line twice, or another line in its place.
      const lines = text.split('\r\n')
      const line = draw.below(lines.length)
      lines.splice(line, draw.below(2), draw.below(2) === 0 ? lines[line]! : draw.of(FIELDS))
      return lines.join('\r\n')
    }
    case 4:
      return text.replace('\r\n', draw.of(['\n', '\r', '\r\r\n', '\n\r\n']))
    default:
      // Letters of ASCII alone: the upper case of ÿ is no byte.
      return text.slice(0, at) + text.slice(at, at + 8).replaceAll(/[a-z]/g, (letter) => letter.toUpperCase()) + text.slice(at + 8)
  }
}
