/** Frames of HTTP/2 as the matrix writes them: bytes as latin1, and nothing that looks after their making sense. */

export const DATA = 0
export const HEADERS = 1
export const PRIORITY = 2
export const RST_STREAM = 3
export const SETTINGS = 4
export const PUSH_PROMISE = 5
export const PING = 6
export const GOAWAY = 7
export const WINDOW_UPDATE = 8
export const CONTINUATION = 9

export const ACK = 0x1
export const END_STREAM = 0x1
export const END_HEADERS = 0x4
export const PADDED = 0x8

const bytes = (value: number, count: number): string =>
  Array.from({ length: count }, (_, index) => String.fromCharCode((value >>> (8 * (count - 1 - index))) & 0xff)).join('')

export const uint32 = (value: number): string => bytes(value, 4)

export interface FrameHead {
  readonly flags?: number
  /** Default 0: the connection's own. */
  readonly stream?: number
}

export const frame = (type: number, payload: string, { flags = 0, stream = 0 }: FrameHead = {}): string =>
  `${bytes(payload.length, 3)}${bytes(type, 1)}${bytes(flags, 1)}${uint32(stream)}${payload}`

export type FieldLine = readonly [name: string, value: string]

/** HPACK without its dictionary: each line as it stands (RFC 7541, section 6.2.2). */
export const block = (fields: readonly FieldLine[]): string => fields.map(([name, value]) => `\x00${text(name)}${text(value)}`).join('')

/** The same line, kept in the dictionary, where it gets the index 62. */
export const indexedField = ([name, value]: FieldLine): string => `\x40${text(name)}${text(value)}`
export const INDEX_62 = '\xbe'

function text(value: string): string {
  // An integer with a prefix of seven bits (section 5.1).
  if (value.length < 127) return `${bytes(value.length, 1)}${value}`
  let rest = value.length - 127
  let length = '\x7f'
  for (; rest >= 128; rest >>>= 7) length += bytes((rest & 0x7f) | 0x80, 1)
  return `${length}${bytes(rest, 1)}${value}`
}

const setting = (id: number, value: number): string => bytes(id, 2) + uint32(value)

/** What a connection begins with: the preface, and that the client keeps no dictionary of its own. */
export const OPENING = `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${frame(SETTINGS, setting(1, 0))}`

const FRAME_BYTES_MAX = 16_384

/** A header section on stream 1, in as many frames as it needs. */
export function section(fields: string, { ends = true, stream = 1 } = {}): string {
  const parts = [fields.slice(0, FRAME_BYTES_MAX)]
  for (let at = FRAME_BYTES_MAX; at < fields.length; at += FRAME_BYTES_MAX) parts.push(fields.slice(at, at + FRAME_BYTES_MAX))
  return parts
    .map((part, index) => {
      const flags = (index === parts.length - 1 ? END_HEADERS : 0) | (index === 0 && ends ? END_STREAM : 0)
      return frame(index === 0 ? HEADERS : CONTINUATION, part, { flags, stream })
    })
    .join('')
}

export const data = (body: string, { ends = true, stream = 1 } = {}): string => frame(DATA, body, { flags: ends ? END_STREAM : 0, stream })
