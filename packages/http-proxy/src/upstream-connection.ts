import type { Socket } from 'node:net'
import { type Admission, headFor, keepsAlive } from './admission.ts'
import { BodyReader } from './body-reader.ts'
import { responseFraming } from './framing.ts'
import type { HeadParser, ResponseHead } from './head.ts'
import type { HttpProxyLimits } from './limits.ts'
import { MalformedMessageError } from './malformed.ts'
import { type BodyPart, writePart } from './message-writer.ts'
import type { TimerWheel, WheelTimer } from './timer-wheel.ts'
import type { UpstreamAddress } from './upstream-address.ts'
import { socketEnd, type TunnelEnd } from './tunnel.ts'
import type { LinkUser, TunnelReader, UpstreamLink, UpstreamTunnel } from './upstream-link.ts'

/** Where a connection goes when it is free, and when it is gone. */
export interface ConnectionHome {
  readonly address: UpstreamAddress
  readonly parser: HeadParser
  readonly wheel: TimerWheel
  readonly limits: HttpProxyLimits
  /** It can be written on. */
  onOpen(connection: UpstreamConnection): void
  /** One cannot be made. Told before `onClosed`. */
  onUnreachable(): void
  onFree(connection: UpstreamConnection): void
  onTunnel(connection: UpstreamConnection): void
  onClosed(connection: UpstreamConnection): void
  /** Something went wrong that must not. */
  onDefect(error: unknown): void
}

// The most that a socket is read at once.
const READ_BYTES = 65_536

/**
 * One connection to an upstream, which serves one request after another. It reads into one buffer again and again, because most of what
 * it reads has been written on before the next read; a buffer that has not is left to those who hold it.
 */
export class UpstreamConnection implements UpstreamLink, UpstreamTunnel {
  readonly #socket: Socket
  readonly #home: ConnectionHome
  readonly #timer: WheelTimer
  #user: LinkUser | undefined
  #method = ''
  #state: 'connecting' | 'open' | 'closed' = 'connecting'
  #served = 0
  #requestEnded = false
  #isChunked = false
  /** Bytes of a head that is not there whole. */
  #pending: Buffer | undefined
  #body: BodyReader | undefined
  #interimAnswers = 0
  #keepsAlive = true
  #idleMs: number
  #buffer = Buffer.allocUnsafeSlow(READ_BYTES)
  #isBufferHeld = false
  #tunnel: TunnelReader | undefined

  constructor(home: ConnectionHome) {
    this.#home = home
    this.#idleMs = home.limits.upstreamIdleMs
    this.#timer = home.wheel.timer(() => this.#expired())
    this.#timer.set(home.limits.connectTimeoutMs)
    const onread = {
      buffer: () => this.#nextBuffer(),
      callback: (bytes: number, buffer: Uint8Array) => {
        this.#onData((buffer as Buffer).subarray(0, bytes))
        return true
      },
    }
    this.#socket = home.address
      .dial({ onread })
      .on(home.address.readyEvent, () => {
        this.#state = 'open'
        this.#timer.cancel()
        this.#user?.onOpen()
        this.#home.onOpen(this)
      })
      .on('drain', () => this.#user?.onDrain())
      .on('end', () => this.#onEnd())
      .on('error', (error: Error) => this.#break(error))
      .on('close', () => this.#break(new Error('it closed the connection')))
  }

  begin(user: LinkUser, method: string): void {
    this.#user = user
    this.#method = method
    this.#requestEnded = false
    this.#interimAnswers = 0
    if (this.#state === 'open') this.#timer.cancel()
  }

  get isOpen(): boolean {
    return this.#state === 'open'
  }

  sendHead(admission: Admission, remainingMs: number | undefined, body: BodyPart): boolean {
    this.#isChunked = admission.framing.kind === 'chunked'
    return this.#write(headFor(admission, this.#home.address.hostFor(admission), remainingMs), body)
  }

  sendBody(body: BodyPart): boolean {
    return this.#write('', body)
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  abandon(): void {
    this.#user = undefined
    this.#close()
  }

  get end(): TunnelEnd {
    return socketEnd(this.#socket)
  }

  readBy(reader: TunnelReader): void {
    this.#tunnel = reader
    this.#home.onTunnel(this)
    this.#timer.release()
    this.#socket.removeAllListeners('drain').removeAllListeners('end')
  }

  /** Waits for its next request. */
  rest(): void {
    this.#served++
    this.#timer.set(this.#idleMs)
  }

  #write(head: string, body: BodyPart): boolean {
    if (body.ends) this.#requestEnded = true
    return this.#state === 'closed' || writePart(this.#socket, body, { head, isChunked: this.#isChunked })
  }

  #nextBuffer(): Buffer {
    if (this.#isBufferHeld) this.#buffer = Buffer.allocUnsafeSlow(READ_BYTES)
    this.#isBufferHeld = false
    return this.#buffer
  }

  #onData(chunk: Buffer): void {
    if (this.#tunnel !== undefined) {
      this.#tunnel.onBytes(chunk)
      this.#isBufferHeld = this.#tunnel.holdsBytes
      return
    }
    const user = this.#user
    // Bytes that nobody asked for would be taken for the answer to the next request.
    if (user === undefined) {
      this.#close()
      return
    }
    try {
      this.#read(this.#pending === undefined ? chunk : Buffer.concat([this.#pending, chunk]), user)
    } catch (error) {
      const isMalformed = error instanceof MalformedMessageError
      if (!isMalformed) this.#home.onDefect(error)
      this.#breakAnswer(new Error(isMalformed ? `its answer has ${error.message}` : 'the proxy failed', { cause: error }))
    }
  }

  #read(bytes: Buffer, user: LinkUser): void {
    this.#pending = undefined
    let at = 0
    let head: ResponseHead | undefined
    while (this.#body === undefined) {
      head = this.#home.parser.response(bytes, at)
      if (head === undefined) {
        this.#pending = Buffer.from(bytes.subarray(at))
        return
      }
      at = head.next
      if (head.status >= 200) this.#body = new BodyReader(responseFraming(head, this.#method), this.#home.parser)
      else if (head.status === 101) {
        this.#user = undefined
        user.onSwitch(head, this, Buffer.from(bytes.subarray(at)))
        return
      } else {
        if (++this.#interimAnswers > this.#home.limits.interimAnswersMax)
          throw new MalformedMessageError(`more than ${this.#home.limits.interimAnswersMax} interim answers`)
        user.onInterim(head)
        if (this.#user !== user) return
      }
    }
    if (head !== undefined) this.#noteKeepAlive(head)
    const body = this.#body
    const spans: Buffer[] = []
    at = body.read(bytes, at, spans)
    const { ended } = body
    if (ended) this.#finish(at === bytes.length)
    user.onAnswer({ head, framing: body.framing, spans, ends: ended, trailers: ended ? body.trailers : '' })
    this.#isBufferHeld = user.holdsBytes
  }

  #noteKeepAlive(head: ResponseHead): void {
    this.#keepsAlive = keepsAlive(head)
    const stated = KEEP_ALIVE_TIMEOUT.exec(head.fields.get('keep-alive') ?? '')?.[1]
    // A second less than the upstream says: a request may be on its way when that ends.
    if (stated !== undefined) this.#idleMs = Math.min(this.#home.limits.upstreamIdleMs, Math.max(0, Number(stated) - 1) * 1_000)
  }

  /** The answer is there whole. Free before its user hears of it, whose next request can then go the same way. */
  #finish(isInStep: boolean): void {
    this.#user = undefined
    this.#body = undefined
    if (isInStep && this.#requestEnded && this.#keepsAlive && this.#idleMs > 0 && this.#state === 'open') this.#home.onFree(this)
    else this.#close()
  }

  #onEnd(): void {
    const user = this.#user
    const body = this.#body
    if (user === undefined || body?.framing.kind !== 'close') {
      this.#break(new Error(body === undefined ? 'it closed the connection' : 'it ended in the middle of its answer'))
      return
    }
    this.#user = undefined
    this.#close()
    user.onAnswer({ head: undefined, framing: body.framing, spans: [], ends: true, trailers: '' })
  }

  #expired(): void {
    this.#break(new Error(`no connection within ${this.#home.limits.connectTimeoutMs} ms`))
  }

  #breakAnswer(cause: Error): void {
    const user = this.#user
    this.#user = undefined
    this.#close()
    user?.onBroken({ cause, stage: 'answering', wasReused: this.#served > 0 })
  }

  #break(cause: Error): void {
    const user = this.#user
    const isSilent = this.#body === undefined && this.#pending === undefined && this.#interimAnswers === 0
    const stage = this.#state === 'connecting' ? 'connecting' : isSilent ? 'silent' : 'answering'
    if (stage === 'connecting') this.#home.onUnreachable()
    this.#user = undefined
    this.#close()
    user?.onBroken({ cause, stage, wasReused: this.#served > 0 })
  }

  #close(): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#timer.release()
    this.#socket.destroy()
    this.#home.onClosed(this)
  }
}

const KEEP_ALIVE_TIMEOUT = /(?:^|[,\s])timeout=(\d{1,6})(?:$|[,\s])/i
