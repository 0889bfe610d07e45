import { type ClientHttp2Stream, constants } from 'node:http2'
import { type Admission, contextLines } from '../admission.ts'
import { type Framing, responseFraming } from '../framing.ts'
import { type HeadParser, optionsOf } from '../head.ts'
import { MalformedMessageError } from '../malformed.ts'
import type { BodyPart } from '../message-writer.ts'
import { streamEnd, type TunnelEnd } from '../tunnel.ts'
import type { AnswerPart, Breakage, LinkUser, TunnelReader, UpstreamLink, UpstreamTunnel } from '../upstream-link.ts'
import { ACCEPT_FIELD, acceptFor, KEY_FIELD, WEBSOCKET } from '../websocket.ts'
import { endOfStream } from './end-of-stream.ts'
import { fieldsByName, rawFields, responseHead, switchedHead, trailerLines, withoutField } from './message-head.ts'
import type { UpstreamSession } from './upstream-session.ts'

const { NGHTTP2_CANCEL, NGHTTP2_FLAG_END_STREAM } = constants

const NO_BODY: Framing = { kind: 'none' }
const NOTHING = Buffer.alloc(0)

/** One request to an upstream that speaks HTTP/2, and its answer. */
export class UpstreamStream implements UpstreamLink, UpstreamTunnel {
  readonly #session: UpstreamSession
  #user: LinkUser | undefined
  #method = ''
  #stream: ClientHttp2Stream | undefined
  #hasEnded: () => boolean = () => false
  #framing: Framing = NO_BODY
  #hasAnswered = false
  #interimAnswers = 0
  #requestEnded = false
  #requestTrailers = ''
  #trailers = ''
  /** What a 2xx proves to whoever asked for a WebSocket as in HTTP/1.1; undefined where the upstream was asked for none. */
  #accept: string | undefined

  constructor(session: UpstreamSession) {
    this.#session = session
  }

  get isOpen(): boolean {
    return this.#session.isOpen
  }

  /** The answer has come whole, if not all of it has been read. */
  get isThere(): boolean {
    return this.#hasEnded()
  }

  begin(user: LinkUser, method: string): void {
    this.#user = user
    this.#method = method
  }

  onOpen(): void {
    this.#user?.onOpen()
  }

  sendHead(admission: Admission, remainingMs: number | undefined, { spans, ends, trailers }: BodyPart): boolean {
    const body = Buffer.concat(spans)
    this.#accept = admission.upgrades && this.#session.takesWebSockets ? acceptFor(admission.endToEnd) : undefined
    const opensTunnel = this.#accept !== undefined
    const isWhole = ends && trailers === '' && !opensTunnel
    this.#requestEnded = ends && !opensTunnel
    this.#requestTrailers = trailers
    const stream = this.#session.request(this.#fieldsOf(admission, remainingMs), {
      endStream: isWhole && body.length === 0,
      // Whether or not there will be any: without, Node sends the end of a stream before it resets it, and half a body would pass for the whole.
      waitForTrailers: !isWhole,
    })
    this.#stream = stream
    this.#listen(stream)
    const isTaken = body.length === 0 || stream.write(body)
    if (this.#requestEnded) stream.end()
    return isTaken
  }

  sendBody({ spans, ends, trailers }: BodyPart): boolean {
    const stream = this.#stream!
    this.#requestEnded = ends
    this.#requestTrailers = trailers
    if (stream.destroyed || stream.closed) return true
    const body = Buffer.concat(spans)
    const isTaken = body.length === 0 || stream.write(body)
    if (ends) stream.end()
    return isTaken
  }

  pause(): void {
    this.#stream?.pause()
  }

  resume(): void {
    this.#stream?.resume()
  }

  abandon(): void {
    const wasAwaited = this.#user !== undefined && this.#stream !== undefined && !this.#hasAnswered
    this.#user = undefined
    this.#stream?.close(NGHTTP2_CANCEL)
    if (this.#stream === undefined) this.#session.release(this)
    if (wasAwaited) this.#session.doubt()
  }

  get end(): TunnelEnd {
    return streamEnd(this.#stream!, this.#hasEnded)
  }

  readBy(reader: TunnelReader): void {
    const stream = this.#stream!
    for (const event of ['headers', 'data', 'trailers', 'end', 'drain']) stream.removeAllListeners(event)
    stream.on('data', (chunk: Buffer) => reader.onBytes(chunk))
  }

  /** The connection is gone. */
  onSessionEnd(cause: Error, wasReused: boolean): void {
    this.#session.release(this)
    this.#break(cause, wasReused)
  }

  #fieldsOf(admission: Admission, remainingMs: number | undefined): string[] {
    const { method, target, lines, fields, framing, context, expectsContinue } = admission
    const { address } = this.#session.home
    const opensTunnel = this.#accept !== undefined
    const raw = [
      ':method',
      opensTunnel ? 'CONNECT' : method,
      ':scheme',
      address.scheme,
      ':authority',
      address.hostFor(admission),
      ':path',
      target,
    ]
    if (opensTunnel) raw.push(':protocol', WEBSOCKET)
    raw.push(...rawFields(opensTunnel ? withoutField(lines, KEY_FIELD) : lines), ...rawFields(contextLines(context, remainingMs)))
    if (framing.kind === 'length') raw.push('content-length', String(framing.bytes))
    const trailer = fields.get('trailer')
    if (trailer !== undefined) raw.push('trailer', trailer)
    // gRPC asks for it, as a sign that nothing on the way drops trailers.
    if (optionsOf(fields.get('te')).includes('trailers')) raw.push('te', 'trailers')
    if (expectsContinue) raw.push('expect', '100-continue')
    return raw
  }

  #listen(stream: ClientHttp2Stream): void {
    this.#hasEnded = endOfStream(stream)
    stream
      .on('headers', (_headers, _flags, raw) => this.#guard(() => this.#onInterim(raw)))
      .on('response', (headers, flags, raw) => this.#guard(() => this.#onResponse(headers[':status'] ?? 0, flags, raw)))
      .on('data', (chunk: Buffer) => this.#guard(() => this.#onPart([chunk], false)))
      .on('trailers', (_trailers, _flags, raw) => this.#guard(() => (this.#trailers = trailerLines(raw, this.#parser))))
      .on('end', () => this.#guard(() => this.#hasEnded() && this.#onPart([], true)))
      .on('drain', () => this.#user?.onDrain())
      .on('wantTrailers', () => stream.sendTrailers(fieldsByName(this.#requestTrailers)))
      // Followed by `close`.
      .on('error', () => {})
      .on('close', () => this.#onClose(stream))
  }

  get #parser(): HeadParser {
    return this.#session.home.parts.parser
  }

  /** An answer that breaks the protocol is no answer. */
  #guard(body: () => void): void {
    if (this.#user === undefined) return
    try {
      body()
    } catch (error) {
      const isMalformed = error instanceof MalformedMessageError
      if (!isMalformed) this.#session.home.parts.onDefect(error)
      const user = this.#user
      this.abandon()
      const cause = new Error(isMalformed ? `its answer has ${error.message}` : 'the proxy failed', { cause: error })
      user.onBroken({ cause, stage: 'answering', wasReused: false })
    }
  }

  #onInterim(raw: readonly string[]): void {
    const { interimAnswersMax } = this.#session.home.parts.limits
    const head = responseHead(raw, true, this.#parser)
    if (head.status === 101) throw new MalformedMessageError('a switch of protocols, which HTTP/2 has not')
    if (++this.#interimAnswers > interimAnswersMax) throw new MalformedMessageError(`more than ${interimAnswersMax} interim answers`)
    this.#user!.onInterim(head)
  }

  #onResponse(status: number, flags: number, raw: readonly string[]): void {
    if (this.#accept !== undefined && status >= 200 && status < 300) {
      this.#onSwitch(raw, this.#accept)
      return
    }
    const head = responseHead(raw, this.#method === 'HEAD' || status === 204 || status === 304, this.#parser)
    this.#hasAnswered = true
    this.#framing = responseFraming(head, this.#method)
    this.#hand({ head, spans: [], ends: (flags & NGHTTP2_FLAG_END_STREAM) !== 0 })
  }

  #onSwitch(raw: readonly string[], accept: string): void {
    const user = this.#user!
    const head = switchedHead(raw, `upgrade: ${WEBSOCKET}\r\n${ACCEPT_FIELD}: ${accept}\r\n`, this.#parser)
    this.#user = undefined
    user.onSwitch(head, this, NOTHING)
  }

  #onPart(spans: readonly Buffer[], ends: boolean): void {
    this.#hand({ head: undefined, spans, ends })
  }

  #hand(part: Pick<AnswerPart, 'head' | 'spans' | 'ends'>): void {
    const user = this.#user!
    if (part.ends) this.#finish()
    user.onAnswer({ ...part, framing: this.#framing, trailers: part.ends ? this.#trailers : '' })
  }

  /** The answer is there whole. An upstream that answers before it has the request wants no more of that. */
  #finish(): void {
    this.#user = undefined
    if (!this.#requestEnded) this.#stream!.close(NGHTTP2_CANCEL)
  }

  #onClose(stream: ClientHttp2Stream): void {
    this.#session.release(this)
    this.#break(new Error(`it reset the stream (${stream.rstCode})`), false)
  }

  #break(cause: Error, wasReused: boolean): void {
    const user = this.#user
    this.#user = undefined
    user?.onBroken({ cause, stage: this.#stage, wasReused })
  }

  get #stage(): Breakage['stage'] {
    if (this.#stream === undefined) return 'connecting'
    if (this.#session.hasRefused(this.#stream)) return 'refused'
    return this.#hasAnswered || this.#interimAnswers > 0 ? 'answering' : 'silent'
  }
}
