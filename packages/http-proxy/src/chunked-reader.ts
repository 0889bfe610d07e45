import { CR, FIELD_VALUE, HEX, LF, SEMICOLON } from './grammar.ts'
import type { HeadParser } from './head.ts'
import { MalformedMessageError } from './malformed.ts'

/** Where in the coding the next byte stands. */
type State = 'size' | 'extension' | 'size-lf' | 'data' | 'data-cr' | 'data-lf' | 'trailers' | 'ended'

// Below 2^48, far from what a double loses.
const SIZE_DIGITS_MAX = 12
const EXTENSION_BYTES_MAX = 1_024

/**
 * Reads the chunked coding (RFC 9112, section 7.1) from bytes as they come. Extensions are read over, because their grammar alone cannot
 * be trusted to be read alike by everybody, and bounded, because they would make a byte of body cost any number of bytes.
 */
export class ChunkedReader {
  readonly #parser: HeadParser
  #state: State = 'size'
  #size = 0
  #digits = 0
  #extensionBytes = 0
  #trailerBytes: Buffer | undefined
  /** The field lines of the trailer section, once it has ended. */
  trailers = ''

  constructor(parser: HeadParser) {
    this.#parser = parser
  }

  /** Bytes that the current chunk still promises. */
  get promisedBytes(): number {
    return this.#size
  }

  get ended(): boolean {
    return this.#state === 'ended'
  }

  /**
   * Reads from index `at`, and adds the parts of `bytes` that are data to `spans`.
   * @returns the index behind what was read: the end of `bytes`, or of the body
   * @throws MalformedMessageError
   */
  read(bytes: Buffer, at: number, spans: Buffer[]): number {
    while (at < bytes.length && this.#state !== 'ended') at = this.#step(bytes, at, spans)
    return at
  }

  #step(bytes: Buffer, at: number, spans: Buffer[]): number {
    const byte = bytes[at]!
    switch (this.#state) {
      case 'size':
        this.#sizeByte(byte)
        return at + 1
      case 'extension':
        if (byte === CR) this.#state = 'size-lf'
        else if (FIELD_VALUE[byte] !== 1) throw new MalformedMessageError('a control in a chunk extension')
        else if (++this.#extensionBytes > EXTENSION_BYTES_MAX)
          throw new MalformedMessageError(`more than ${EXTENSION_BYTES_MAX} bytes of chunk extensions`)
        return at + 1
      case 'size-lf':
        if (byte !== LF) throw new MalformedMessageError('a chunk size whose CR has no LF')
        this.#state = this.#size === 0 ? 'trailers' : 'data'
        return at + 1
      case 'data': {
        const length = Math.min(this.#size, bytes.length - at)
        spans.push(bytes.subarray(at, at + length))
        this.#size -= length
        if (this.#size === 0) this.#state = 'data-cr'
        return at + length
      }
      case 'data-cr':
        if (byte !== CR) throw new MalformedMessageError('a chunk that is longer than its size')
        this.#state = 'data-lf'
        return at + 1
      case 'data-lf':
        if (byte !== LF) throw new MalformedMessageError('a chunk whose CR has no LF')
        this.#state = 'size'
        this.#digits = 0
        return at + 1
      case 'trailers':
        return this.#readTrailers(bytes, at)
      case 'ended':
        return at
    }
  }

  #sizeByte(byte: number): void {
    const digit = HEX[byte]!
    if (digit < 16) {
      if (++this.#digits > SIZE_DIGITS_MAX) throw new MalformedMessageError('a chunk size that is too long')
      this.#size = this.#size * 16 + digit
      return
    }
    if (this.#digits === 0) throw new MalformedMessageError('a chunk without a size')
    if (byte === CR) this.#state = 'size-lf'
    else if (byte === SEMICOLON) this.#state = 'extension'
    else throw new MalformedMessageError('a chunk size that is no hexadecimal number')
  }

  #readTrailers(bytes: Buffer, at: number): number {
    const before = this.#trailerBytes?.length ?? 0
    const rest = at === 0 ? bytes : bytes.subarray(at)
    const section = this.#trailerBytes === undefined ? rest : Buffer.concat([this.#trailerBytes, rest])
    const trailers = this.#parser.trailers(section, 0)
    if (trailers === undefined) {
      // A copy: whoever read the bytes reads the next into their place.
      this.#trailerBytes = Buffer.from(section)
      return bytes.length
    }
    this.#trailerBytes = undefined
    this.trailers = trailers.lines
    this.#state = 'ended'
    return at + trailers.next - before
  }
}
