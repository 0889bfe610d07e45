import type { Socket } from 'node:net'

// Up to here, copying costs less than a second buffer in the write.
const JOINED_BYTES_MAX = 16_384

/** Bytes of a message's body, its end, or both. */
export interface BodyPart {
  readonly spans: readonly Buffer[]
  readonly ends: boolean
  /** Field lines behind the body, with its end. */
  readonly trailers: string
}

/** What goes around a part of a body. */
export interface Wrapping {
  /** With the empty line; empty when it was written before. */
  readonly head: string
  readonly isChunked: boolean
}

/** Writes a part of a message in one system call. @returns false when the socket wants no more for now */
export function writePart(socket: Socket, { spans, ends, trailers }: BodyPart, { head, isChunked }: Wrapping): boolean {
  let bytes = 0
  for (const span of spans) bytes += span.length
  let before = head
  let after = ''
  if (isChunked) {
    if (bytes > 0) {
      before += `${bytes.toString(16)}\r\n`
      after = '\r\n'
    }
    if (ends) after += `0\r\n${trailers}\r\n`
  }
  if (bytes <= JOINED_BYTES_MAX) {
    for (const span of spans) before += span.toString('latin1')
    before += after
    return before === '' ? !socket.writableNeedDrain : socket.write(before, 'latin1')
  }
  const [only] = spans
  if (spans.length === 1 && only !== undefined && before === '' && after === '') return socket.write(only)
  socket.cork()
  if (before !== '') socket.write(before, 'latin1')
  for (const span of spans) socket.write(span)
  if (after !== '') socket.write(after, 'latin1')
  socket.uncork()
  return !socket.writableNeedDrain
}
