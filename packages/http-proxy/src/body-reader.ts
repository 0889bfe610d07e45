import { ChunkedReader } from './chunked-reader.ts'
import type { Framing } from './framing.ts'
import type { HeadParser } from './head.ts'

/** Finds the bytes of one body, and its end, in what a connection brings. */
export class BodyReader {
  readonly framing: Framing
  readonly #chunked: ChunkedReader | undefined
  #left: number
  /** Bytes of the body so far. */
  bytes = 0

  constructor(framing: Framing, parser: HeadParser) {
    this.framing = framing
    this.#chunked = framing.kind === 'chunked' ? new ChunkedReader(parser) : undefined
    this.#left = framing.kind === 'length' ? framing.bytes : framing.kind === 'close' ? Number.POSITIVE_INFINITY : 0
  }

  /** A body that lasts as long as its connection never ends by its bytes. */
  get ended(): boolean {
    return this.#chunked === undefined ? this.#left === 0 : this.#chunked.ended
  }

  /** At least so many bytes of it are to come. */
  get promisedBytes(): number {
    return this.#chunked?.promisedBytes ?? 0
  }

  /** The field lines behind a chunked body. */
  get trailers(): string {
    return this.#chunked?.trailers ?? ''
  }

  /**
   * Adds the parts of `bytes` from index `at` on that belong to the body to `spans`.
   * @returns the index of the first byte that does not
   * @throws MalformedMessageError
   */
  read(bytes: Buffer, at: number, spans: Buffer[]): number {
    if (this.#chunked !== undefined) {
      const first = spans.length
      const next = this.#chunked.read(bytes, at, spans)
      for (let index = first; index < spans.length; index++) this.bytes += spans[index]!.length
      return next
    }
    const length = Math.min(this.#left, bytes.length - at)
    if (length === 0) return at
    spans.push(length === bytes.length ? bytes : bytes.subarray(at, at + length))
    this.#left -= length
    this.bytes += length
    return at + length
  }
}
