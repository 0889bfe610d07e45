import { type ClientHttp2Session, type ClientHttp2Stream, type ClientSessionOptions, connect, constants } from 'node:http2'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { ProxyParts } from '../proxy-parts.ts'
import type { WheelTimer } from '../timer-wheel.ts'
import type { UpstreamAddress } from '../upstream-address.ts'
import { hearEnd } from './end-of-socket.ts'
import { UpstreamStream } from './upstream-stream.ts'

const { NGHTTP2_REFUSED_STREAM } = constants

/** Where a session belongs. */
export interface SessionHome {
  readonly address: UpstreamAddress
  readonly parts: ProxyParts
  /** It takes more requests again, or another may take its place. */
  onRoom(): void
  onClosed(session: UpstreamSession): void
}

// Before the upstream has said how many requests it takes at once, nothing is sent; so many may wait for that.
const STREAMS_MAX_UNSAID = 100

/**
 * One connection to an upstream that speaks HTTP/2. It is open once the upstream's SETTINGS are there: what they say of streams holds from the first
 * request on, and a server of another protocol has got nothing.
 */
export class UpstreamSession {
  readonly home: SessionHome
  readonly #socket: Socket
  readonly #timer: WheelTimer
  readonly #links = new Set<UpstreamStream>()
  #session: ClientHttp2Session | undefined
  #state: 'connecting' | 'open' | 'closing' | 'closed' = 'connecting'
  #streamsMax: number
  #error: Error | undefined
  #isDoubted = false
  #lastStreamId = Number.POSITIVE_INFINITY
  #hasServed = false

  constructor(home: SessionHome) {
    const { address, parts } = home
    this.home = home
    this.#streamsMax = Math.min(parts.limits.upstreamStreamsMax, STREAMS_MAX_UNSAID)
    this.#timer = parts.wheel.timer(() => this.#expired())
    this.#timer.set(parts.limits.connectTimeoutMs)
    this.#socket = address
      .dial()
      .on(address.readyEvent, () => this.#begin())
      .on('error', (error: Error) => this.#end(error))
      .on('close', () => this.#end(new Error('it closed the connection')))
  }

  get isOpen(): boolean {
    return this.#state === 'open' || this.#state === 'closing'
  }

  /** It takes no more requests. */
  get isClosing(): boolean {
    return this.#state === 'closing' || this.#state === 'closed'
  }

  get hasRoom(): boolean {
    return !this.isClosing && this.#links.size < this.#streamsMax
  }

  /** Whether the upstream takes an extended CONNECT (RFC 8441, section 3). */
  get takesWebSockets(): boolean {
    return this.#session?.remoteSettings.enableConnectProtocol === true
  }

  /** Whether the upstream said that it did not look at that stream. */
  hasRefused(stream: ClientHttp2Stream): boolean {
    return stream.rstCode === NGHTTP2_REFUSED_STREAM || (stream.id ?? 0) > this.#lastStreamId
  }

  /** A way for one request. */
  link(): UpstreamStream {
    if (this.#state === 'open') this.#timer.cancel()
    const link = new UpstreamStream(this)
    this.#links.add(link)
    return link
  }

  /** @param fields names and values in turns */
  request(fields: readonly string[], options: { readonly endStream: boolean; readonly waitForTrailers: boolean }): ClientHttp2Stream {
    return this.#session!.request(fields, options)
  }

  /** That link is of no more use. */
  release(link: UpstreamStream): void {
    if (!this.#links.delete(link)) return
    this.#hasServed = true
    const { upstreamIdleMs, lingerMs } = this.home.parts.limits
    if (this.#links.size === 0 && this.isOpen) this.#timer.set(this.isClosing ? lingerMs : upstreamIdleMs)
    if (this.hasRoom) this.home.onRoom()
  }

  /** A request got no answer: if nobody is there at all, the next should not wait as long to find out. */
  doubt(): void {
    if (this.#isDoubted || this.#state !== 'open') return
    const { wheel, limits } = this.home.parts
    const limit = wheel.timer(() => this.#socket.destroy(new Error(`it did not answer a PING within ${limits.connectTimeoutMs} ms`)))
    limit.set(limits.connectTimeoutMs)
    this.#isDoubted = this.#session!.ping(() => {
      this.#isDoubted = false
      limit.release()
    })
  }

  /** Takes no more requests, and closes once those that it has are over. */
  close(): void {
    if (this.isClosing) return
    if (this.#session === undefined || this.#state === 'connecting') {
      this.destroy()
      return
    }
    this.#leave()
    this.#session.close()
  }

  destroy(): void {
    this.#session?.destroy()
    this.#socket.destroy()
  }

  #begin(): void {
    const socket = this.#socket
    if (this.home.address.scheme === 'https' && (socket as TLSSocket).alpnProtocol !== 'h2') {
      socket.destroy(new Error('it did not agree to speak HTTP/2'))
      return
    }
    this.#session = connect(`${this.home.address.scheme}://${this.home.address.authority}`, {
      ...sessionOptions(this.home.parts),
      createConnection: () => socket,
    })
      .on('remoteSettings', ({ maxConcurrentStreams }) => this.#onSettings(maxConcurrentStreams))
      .on('goaway', (code, lastStreamId) => {
        this.#error = new Error(`it takes no more on this connection (GOAWAY ${code})`)
        this.#lastStreamId = lastStreamId
        this.#leave()
      })
      .on('error', (error: Error) => {
        this.#error ??= error
      })
      .on('close', () => this.#end(new Error('it closed the connection')))
    hearEnd(socket, () => this.#onNoMore())
  }

  /** The upstream closed its side. An answer that is there whole may still be on its way to a slow client; any other is broken. */
  #onNoMore(): void {
    const wasReused = this.#hasServed
    this.#error ??= new Error('it closed the connection')
    this.#leave()
    for (const link of this.#links) if (!link.isThere) link.onSessionEnd(this.#error, wasReused)
    if (this.#links.size === 0) this.#socket.destroy()
  }

  #onSettings(streamsMax = Number.POSITIVE_INFINITY): void {
    this.#streamsMax = Math.min(this.home.parts.limits.upstreamStreamsMax, streamsMax)
    if (this.#state !== 'connecting') return
    this.#state = 'open'
    // Whoever wanted it may have left meanwhile.
    if (this.#links.size === 0) this.#timer.set(this.home.parts.limits.upstreamIdleMs)
    else this.#timer.cancel()
    for (const link of this.#links) link.onOpen()
    if (this.hasRoom) this.home.onRoom()
  }

  #leave(): void {
    if (this.#state !== 'open') return
    this.#state = 'closing'
    // The other side should close too, once there is nothing left.
    if (this.#links.size === 0) this.#timer.set(this.home.parts.limits.lingerMs)
    else this.#timer.cancel()
    this.home.onRoom()
  }

  #expired(): void {
    if (this.#state === 'connecting')
      this.#socket.destroy(new Error(`no HTTP/2 connection within ${this.home.parts.limits.connectTimeoutMs} ms`))
    else if (this.#state === 'open') this.close()
    else this.#socket.destroy()
  }

  #end(cause: Error): void {
    if (this.#state === 'closed') return
    const wasReused = this.#hasServed
    this.#state = 'closed'
    this.#timer.release()
    this.#session?.destroy()
    this.#socket.destroy()
    for (const link of this.#links) link.onSessionEnd(this.#error ?? cause, wasReused)
    this.home.onClosed(this)
  }
}

function sessionOptions({ limits: { headerBytesMax, headersMax } }: ProxyParts): ClientSessionOptions {
  return {
    settings: { enablePush: false, maxHeaderListSize: 2 * headerBytesMax },
    maxHeaderListPairs: 2 * headersMax,
  }
}
