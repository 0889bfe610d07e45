import type { HeaderLine } from './answer-headers.ts'
import type { SafeRequest } from './safe-request.ts'

/** An answer as it came off the wire, and whether all of it did. */
export interface WireAnswer {
  readonly status: number
  readonly headers: readonly HeaderLine[]
  readonly body: Uint8Array | 'too-large'
}

/** The connections to one side, in the protocol that it speaks. */
export interface Wire extends Disposable {
  /** @throws Error where there is no answer, or not all of it; the signal's reason is the caller's to tell */
  send(request: SafeRequest, signal: AbortSignal): Promise<WireAnswer>
}

/** The body of an answer, up to a limit. What is beyond is read on and thrown away, so that the connection can be used again. */
export class KeptBody {
  readonly #bytesMax: number
  readonly #chunks: Buffer[] = []
  bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  add(chunk: Buffer): void {
    this.bytes += chunk.length
    if (this.bytes <= this.#bytesMax) this.#chunks.push(chunk)
  }

  get value(): WireAnswer['body'] {
    return this.bytes > this.#bytesMax ? 'too-large' : Buffer.concat(this.#chunks)
  }
}

/** Names and values in turns as lines. */
export const headerLines = (raw: readonly string[]): HeaderLine[] =>
  Array.from({ length: raw.length / 2 }, (_, index): HeaderLine => [raw[index * 2]!, raw[index * 2 + 1]!])
