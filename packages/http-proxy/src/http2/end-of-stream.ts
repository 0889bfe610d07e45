import type { Http2Stream } from 'node:http2'

/**
 * Watches for the flag END_STREAM of a stream that is read. Node lets one that was reset by CANCEL or NO_ERROR end as if it had come, and half an answer
 * would pass for the whole.
 * @returns whether it has come
 */
export function endOfStream(stream: Http2Stream): () => boolean {
  const push = stream.push.bind(stream)
  let hasEnded = false
  stream.push = (chunk: unknown, encoding?: BufferEncoding) => {
    // After a reset, the stream is closed before its end is pushed.
    if (chunk === null && !stream.closed) hasEnded = true
    return push(chunk, encoding)
  }
  return () => hasEnded
}
