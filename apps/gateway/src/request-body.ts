import type { IncomingMessage } from 'node:http'
import type { Writable } from 'node:stream'
import type { Framing } from './headers.ts'

export interface RequestBodyOptions {
  readonly framing: Framing
  readonly keptBytesMax: number
  readonly bytesMax: number
  /** Called once before the first byte is read: the moment for `100 Continue`. */
  readonly onReading: () => void
  /** Called once when the body turns out to be larger than `bytesMax`. */
  readonly onTooLarge: () => void
}

/**
 * The body of a client's request on its way to an upstream. It streams, with back-pressure; of a small one, what has
 * been read is kept, so that it can be sent again. A large one is not read before there is somewhere to write it.
 */
export class RequestBody {
  readonly #request: IncomingMessage
  readonly #options: RequestBodyOptions
  readonly #onData = (chunk: Buffer) => this.#take(chunk)
  readonly #onEnd = () => this.#finish()
  readonly #onDrain = () => this.#request.resume()
  #kept: Buffer[] = []
  #keptBytes = 0
  #bytes = 0
  #sink: Writable | undefined
  #state: 'unread' | 'reading' | 'ended' | 'discarded'
  #isWhole = true
  #onArrived: (() => void) | undefined

  constructor(request: IncomingMessage, options: RequestBodyOptions) {
    this.#request = request
    this.#options = options
    this.#state = isEmpty(options.framing) ? 'ended' : 'unread'
  }

  /** True while everything that was read is kept: it can still be sent, or sent again, from its beginning. */
  get isReplayable(): boolean {
    return this.#isWhole
  }

  /** Whether the client has sent all of it. */
  get hasArrived(): boolean {
    return this.#state === 'ended'
  }

  /** Begins to read a body that may be small, while there is no connection yet. Settles once one that is declared to be small is there whole. @throws the reason of an abort */
  async prefetch(signal: AbortSignal): Promise<void> {
    const { framing, keptBytesMax } = this.#options
    const isSmall = framing.kind === 'length' && framing.bytes <= keptBytesMax
    if (isSmall || framing.kind === 'chunked') this.#read()
    if (!isSmall || this.hasArrived) return
    signal.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const onAbort = () => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    this.#onArrived = resolve
    try {
      await promise
    } finally {
      this.#onArrived = undefined
      signal.removeEventListener('abort', onAbort)
    }
  }

  /** Writes the body into `sink` from its beginning, and ends it. Needs a body that is replayable. */
  sendTo(sink: Writable): void {
    const kept = this.#kept
    if (this.#state === 'ended') {
      // In one write with the headers, as most bodies are small.
      if (kept.length === 0) sink.end()
      else sink.end(kept.length === 1 ? kept[0] : Buffer.concat(kept))
      return
    }
    this.#sink = sink
    sink.on('drain', this.#onDrain)
    let isFull = false
    for (const chunk of kept) isFull = !sink.write(chunk)
    this.#releaseIfLarge()
    if (this.#state === 'unread') this.#read()
    if (!isFull) this.#request.resume()
    else this.#request.pause()
  }

  /** Stops writing: the attempt failed or was answered. */
  detach(): void {
    this.#sink?.off('drain', this.#onDrain)
    this.#sink = undefined
    if (this.#state === 'reading') this.#request.pause()
  }

  /** Reads what is left and drops it, so that the connection is ready for its next request. */
  discard(): void {
    this.detach()
    if (this.#state === 'discarded') return
    this.#state = 'discarded'
    this.#kept = []
    this.#request.off('data', this.#onData)
    this.#request.off('end', this.#onEnd)
    this.#request.resume()
  }

  #read(): void {
    if (this.#state !== 'unread') return
    this.#state = 'reading'
    this.#options.onReading()
    this.#request.on('data', this.#onData)
    this.#request.on('end', this.#onEnd)
  }

  #take(chunk: Buffer): void {
    this.#bytes += chunk.length
    if (this.#bytes > this.#options.bytesMax) {
      this.#options.onTooLarge()
      return
    }
    if (this.#isWhole) {
      this.#kept.push(chunk)
      this.#keptBytes += chunk.length
    }
    if (this.#sink !== undefined) {
      if (!this.#sink.write(chunk)) this.#request.pause()
      this.#releaseIfLarge()
    } else if (this.#keptBytes > this.#options.keptBytesMax) this.#request.pause()
  }

  /** Once it has been written, more than a small body is not kept any longer. */
  #releaseIfLarge(): void {
    if (this.#keptBytes <= this.#options.keptBytesMax) return
    this.#isWhole = false
    this.#kept = []
    this.#keptBytes = 0
  }

  #finish(): void {
    this.#state = 'ended'
    this.#sink?.end()
    this.#onArrived?.()
  }
}

function isEmpty(framing: Framing): boolean {
  return framing.kind === 'none' || (framing.kind === 'length' && framing.bytes === 0)
}
