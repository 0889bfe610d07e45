import type { Socket } from 'node:net'
import { constants, performServerHandshake, type ServerHttp2Session, type ServerHttp2Stream, type ServerOptions } from 'node:http2'
import { RetryBudget } from 'seaworthy/resilience'
import type { Peer } from '../admission.ts'
import type { ConnectionHost, ServedConnection } from '../connection-host.ts'
import type { HttpProxyLimits } from '../limits.ts'
import { peerOf } from '../origin.ts'
import type { WheelTimer } from '../timer-wheel.ts'
import { ClientStream, type StreamHome } from './client-stream.ts'
import { hearEnd } from './end-of-socket.ts'

const { NGHTTP2_ENHANCE_YOUR_CALM, NGHTTP2_FLAG_END_STREAM, NGHTTP2_NO_ERROR } = constants

const STREAM_ID_MAX = 2 ** 31 - 1

/** One connection of a client that speaks HTTP/2: many requests at once, each a stream. Frames and HPACK are node:http2's. */
export class Http2Connection implements ServedConnection, StreamHome {
  readonly host: ConnectionHost
  readonly peer: Peer
  readonly #socket: Socket
  readonly #session: ServerHttp2Session
  readonly #streams = new Set<ClientStream>()
  readonly #timer: WheelTimer
  // The bucket of a retry budget is what bounds both: it fills with time, and with what was worth it.
  readonly #resets: RetryBudget
  readonly #controls: RetryBudget
  #isClosed = false

  /** @param begun what of the connection has been read already */
  constructor(socket: Socket, host: ConnectionHost, begun?: Buffer) {
    const { limits, clock, wheel } = host
    this.host = host
    this.#socket = socket
    this.peer = peerOf(socket, host.trusted)
    this.#resets = new RetryBudget({ ratio: 1, minPerSecond: limits.resetsPerSecond, tokensMax: limits.resetsMax }, clock)
    this.#controls = new RetryBudget({ ratio: 0, minPerSecond: limits.controlFramesPerSecond, tokensMax: limits.controlFramesMax }, clock)
    this.#timer = wheel.timer(() => this.#expired())
    this.#timer.set(limits.headersTimeoutMs)
    if (begun !== undefined) socket.unshift(begun)
    this.#session = performServerHandshake(socket, sessionOptions(limits))
    this.#session
      .on('stream', (stream, _headers, flags, raw) => this.#onStream(stream, flags, raw))
      .on('ping', () => this.#onControl())
      .on('remoteSettings', () => this.#onControl())
      // Followed by `close`.
      .on('error', () => {})
      .on('close', () => this.#gone())
    // A client that closes its side has left, as in HTTP/1.
    hearEnd(socket, () => socket.destroy())
  }

  /** Tells the client to send its next request elsewhere, while those on their way are still taken (RFC 9113, section 6.8). */
  onDraining(): void {
    if (!this.#session.closed) this.#session.goaway(NGHTTP2_NO_ERROR, STREAM_ID_MAX)
  }

  closeIfIdle(): void {
    if (this.#session.closed) return
    this.#session.close()
    if (this.#streams.size === 0) this.#timer.set(this.host.limits.lingerMs)
  }

  stop(): void {
    for (const stream of this.#streams) stream.stop()
    this.closeIfIdle()
  }

  destroy(): void {
    this.#session.destroy()
    this.#gone()
  }

  onStreamClosed(stream: ClientStream, { wasReset }: { readonly wasReset: boolean }): void {
    this.#streams.delete(stream)
    const { keepAliveTimeoutMs, lingerMs } = this.host.limits
    if (this.#streams.size === 0 && !this.#isClosed) this.#timer.set(this.#session.closed ? lingerMs : keepAliveTimeoutMs)
    if (!wasReset) this.#resets.deposit()
    else if (!this.#isClosed && !this.#resets.tryTake()) this.#calm()
  }

  #onStream(stream: ServerHttp2Stream, flags: number, raw: readonly string[]): void {
    // It was reset before anybody here heard of it.
    if (stream.destroyed || stream.closed) {
      stream.on('error', () => {})
      if (!this.#resets.tryTake()) this.#calm()
      return
    }
    this.#timer.cancel()
    try {
      this.#streams.add(new ClientStream(stream, raw, (flags & NGHTTP2_FLAG_END_STREAM) !== 0, this))
    } catch (error) {
      this.host.onDefect(error)
      stream.destroy()
    }
  }

  /** No request for too long; or the client does not close its side. */
  #expired(): void {
    if (this.#session.closed) this.#socket.destroy()
    else this.closeIfIdle()
  }

  #onControl(): void {
    if (!this.#controls.tryTake()) this.#calm()
  }

  /** The client asks for more than it takes (CVE-2023-44487, CVE-2019-9512, CVE-2019-9515). */
  #calm(): void {
    this.#session.destroy(new Error('the client asks for more than it takes'), NGHTTP2_ENHANCE_YOUR_CALM)
  }

  #gone(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#timer.release()
    this.host.onClosed(this)
  }
}

function sessionOptions({ streamsMax, headerBytesMax, headersMax }: HttpProxyLimits): ServerOptions {
  return {
    settings: {
      maxConcurrentStreams: streamsMax,
      // What is larger than the proxy takes, up to twice as large, is read to be answered 431; the rest is reset before it takes memory.
      maxHeaderListSize: 2 * headerBytesMax,
      enablePush: false,
      // WebSocket (RFC 8441).
      enableConnectProtocol: true,
    },
    maxHeaderListPairs: 2 * headersMax,
    // Several lines of a field that should stand once are an upstream's to answer for, not to be thrown at.
    strictSingleValueFields: false,
  }
}
