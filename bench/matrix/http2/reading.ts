import { DATA, END_STREAM, GOAWAY, HEADERS, RST_STREAM } from './frames.ts'

/** What a client of HTTP/2 was sent. */
export interface StreamReading {
  /** Of answers, without interim ones. */
  readonly statuses: readonly number[]
  /** In words: the frames that say something, and the bytes of bodies. */
  readonly answer: string
  /** A stream was reset, or the connection ended by an error. */
  readonly isReset: boolean
}

/** Among the words of an answer: it is whole. */
export const STREAM_ENDED = 'END_STREAM'

const HEAD_BYTES = 9
// In the static table of HPACK (RFC 7541, appendix A).
const STATUS_INDEX = 8
const STATUSES = [200, 204, 206, 304, 400, 404, 500]

/** Reads as many frames as are there whole. */
export function readFrames(text: string): StreamReading {
  const statuses: number[] = []
  const said: string[] = []
  let isReset = false
  for (let at = 0; at + HEAD_BYTES <= text.length;) {
    const length = number(text, at, 3)
    const payload = text.slice(at + HEAD_BYTES, at + HEAD_BYTES + length)
    switch (text.charCodeAt(at + 3)) {
      case HEADERS: {
        const status = statusOf(payload)
        if (status === undefined) said.push('TRAILERS')
        else said.push(`HEADERS ${status}`)
        if (status !== undefined && status >= 200) statuses.push(status)
        break
      }
      case DATA:
        said.push(payload)
        break
      case RST_STREAM: {
        const code = number(payload, 0, 4)
        said.push(`RST_STREAM ${code}`)
        // Without an error, it stops a body after an answer.
        if (code !== 0) isReset = true
        break
      }
      case GOAWAY: {
        const code = number(payload, 4, 4)
        said.push(`GOAWAY ${code}`)
        if (code !== 0) isReset = true
        break
      }
    }
    const type = text.charCodeAt(at + 3)
    if ((type === DATA || type === HEADERS) && (text.charCodeAt(at + 4) & END_STREAM) !== 0) said.push(STREAM_ENDED)
    at += HEAD_BYTES + length
  }
  return { statuses, answer: said.join('\n'), isReset }
}

function number(text: string, at: number, bytes: number): number {
  let value = 0
  for (let index = 0; index < bytes; index++) value = value * 256 + text.charCodeAt(at + index)
  return value
}

/** The status of an answer, which is its first field; undefined for trailers. The sender's dictionary is empty, because the client has said that it keeps none. */
function statusOf(section: string): number | undefined {
  let at = 0
  // A change of the dictionary's size comes first.
  while ((section.charCodeAt(at) & 0xe0) === 0x20) at++
  const first = section.charCodeAt(at)
  if ((first & 0x80) !== 0) return STATUSES[(first & 0x7f) - STATUS_INDEX]
  const index = (first & 0x40) === 0 ? first & 0x0f : first & 0x3f
  if (index < STATUS_INDEX || index >= STATUS_INDEX + STATUSES.length) return undefined
  const length = section.charCodeAt(at + 1)
  const value = section.slice(at + 2, at + 2 + (length & 0x7f))
  return Number((length & 0x80) === 0 ? value : digitsOf(value))
}

/** Digits in HPACK's Huffman code: 0 to 2 have five bits, 3 to 9 six. */
function digitsOf(coded: string): string {
  const bits = Array.from(coded, (character) => character.charCodeAt(0).toString(2).padStart(8, '0')).join('')
  let digits = ''
  for (let at = 0; at + 5 <= bits.length && digits.length < 3;) {
    const five = Number.parseInt(bits.slice(at, at + 5), 2)
    const [digit, length] = five <= 2 ? [five, 5] : [Number.parseInt(bits.slice(at, at + 6), 2) - 0x16, 6]
    digits += digit
    at += length
  }
  return digits
}
