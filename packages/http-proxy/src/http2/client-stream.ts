import { constants, type ServerHttp2Stream } from 'node:http2'
import { type Admission, type Peer, Refusal } from '../admission.ts'
import type { ConnectionHost } from '../connection-host.ts'
import { Exchange } from '../exchange.ts'
import type { ExchangeClient } from '../exchange-client.ts'
import type { RequestHead, ResponseHead } from '../head.ts'
import { MalformedMessageError } from '../malformed.ts'
import type { OperationOutcome } from '../observed-operation.ts'
import { refusalOf } from '../problem.ts'
import type { RequestEnd } from '../request-end.ts'
import { ServedRequest } from '../served-request.ts'
import type { WheelTimer } from '../timer-wheel.ts'
import { streamEnd, tunnel } from '../tunnel.ts'
import type { AnswerPart, UpstreamTunnel } from '../upstream-link.ts'
import { ACCEPT_FIELD, isAccepted, WEBSOCKET } from '../websocket.ts'
import { endOfStream } from './end-of-stream.ts'
import { fieldsByName, opensTunnel, rawFields, requestHead, trailerLines, withoutField } from './message-head.ts'
import { streamProblem } from './stream-problem.ts'

const { NGHTTP2_CANCEL, NGHTTP2_INTERNAL_ERROR, NGHTTP2_NO_ERROR } = constants

/** The connection of a stream. */
export interface StreamHome {
  readonly host: ConnectionHost
  readonly peer: Peer
  /** `wasReset`: by the client, before it had its answer. */
  onStreamClosed(stream: ClientStream, options: { readonly wasReset: boolean }): void
}

/** One request of a client that speaks HTTP/2, and its answer. */
export class ClientStream implements ExchangeClient {
  readonly #stream: ServerHttp2Stream
  readonly #home: StreamHome
  readonly #isHead: boolean
  readonly #isGrpc: boolean
  /** Nothing more comes from the client, and it was not reset. */
  readonly #hasEnded: () => boolean
  readonly timer: WheelTimer
  #request: ServedRequest | undefined
  #exchange: Exchange | undefined
  /** What came of the body before the exchange began: with the head, if it is all. */
  #early: Buffer[] = []
  /** It asks for another protocol: what comes behind its head is no body, and waits until the upstream agrees. */
  readonly mustSwitch: boolean
  #bodyBytes = 0
  #bodyEnded: boolean
  #trailers = ''
  #answerTrailers = ''
  #isAnswered = false
  #isClosed = false

  constructor(stream: ServerHttp2Stream, raw: readonly string[], ends: boolean, home: StreamHome) {
    this.#stream = stream
    this.#home = home
    this.#bodyEnded = ends
    this.mustSwitch = opensTunnel(raw)
    this.#hasEnded = this.mustSwitch ? endOfStream(stream) : () => this.#bodyEnded
    this.#isHead = valueOf(raw, ':method') === 'HEAD'
    this.#isGrpc = valueOf(raw, 'content-type')?.startsWith('application/grpc') === true
    this.timer = home.host.wheel.timer(() => this.#expired())
    if (!this.mustSwitch) {
      stream
        .on('data', (chunk: Buffer) => this.#onData(chunk))
        .on('trailers', (_trailers, _flags, fields: string[]) => this.#onTrailers(fields))
        .on('end', () => this.#onEnd())
    }
    stream
      .on('drain', () => this.#exchange?.onClientDrain())
      .on('wantTrailers', () => stream.sendTrailers(fieldsByName(this.#answerTrailers)))
      // Each is followed by `close`.
      .on('error', () => {})
      .on('aborted', () => this.#gone())
      .on('close', () => this.#gone())
    this.#read(raw)
  }

  // What is handed over is copied.
  readonly holdsBytes = false

  /** Ends what is still open, because the proxy stops. */
  stop(): void {
    if (this.#exchange === undefined) this.#stream.close(NGHTTP2_CANCEL)
    else this.#exchange.stop()
  }

  writeInterim(head: ResponseHead): void {
    if (this.#isWritable) this.#stream.additionalHeaders({ ':status': head.status, ...fieldsByName(head.fields.endToEnd) })
  }

  writeAnswer({ head, spans, ends, trailers }: AnswerPart): boolean {
    this.timer.set(this.#home.host.limits.silenceTimeoutMs)
    if (!this.#isWritable) return true
    const body = Buffer.concat(spans)
    if (head !== undefined) {
      this.#request?.answered()
      const isWhole = ends && trailers === ''
      this.#stream.respond(this.#fieldsOf(head), {
        endStream: isWhole && body.length === 0,
        // Whether or not there will be any: without, Node sends the end of a stream before it resets it.
        waitForTrailers: !isWhole,
      })
    }
    this.#answerTrailers = trailers
    const isTaken = body.length === 0 || this.#stream.write(body)
    if (ends) this.#stream.end()
    return isTaken
  }

  pauseBody(): void {
    this.#stream.pause()
  }

  resumeBody(): void {
    if (!this.mustSwitch) this.#stream.resume()
  }

  onAnswered(status: number): void {
    this.#exchange = undefined
    this.#endRequest('answered', { status })
    this.#finish()
  }

  onFailed(error: unknown): void {
    this.#exchange = undefined
    this.#answer(error)
  }

  onTorn(): void {
    this.#exchange = undefined
    this.#endRequest('broken', { failure: 'the answer broke off' })
    this.#isAnswered = true
    this.#stream.close(NGHTTP2_INTERNAL_ERROR)
  }

  /** The proof is shown to nobody else: the client has no key of its own. */
  agreesTo({ fields }: ResponseHead): boolean {
    const isWebSocket = fields.get('upgrade')?.toLowerCase() === WEBSOCKET
    return isWebSocket && isAccepted(fields.endToEnd, this.#exchange!.admission.endToEnd)
  }

  onSwitched(head: ResponseHead, upstream: UpstreamTunnel, rest: Buffer): void {
    const client = this.#stream
    this.#exchange = undefined
    if (!this.#isWritable) {
      upstream.abandon()
      return
    }
    this.#isAnswered = true
    this.#request?.answered()
    client.respond([':status', '200', ...this.#commonFields(withoutField(head.fields.endToEnd, ACCEPT_FIELD))], { waitForTrailers: true })
    this.#endRequest('switched', { status: 101 })
    if (rest.length > 0) client.write(rest)
    client.removeAllListeners('drain')
    const { limits, tunnels } = this.#home.host
    const end = streamEnd(client, this.#hasEnded)
    tunnel({ client: end, upstream, timer: this.timer, silenceTimeoutMs: limits.silenceTimeoutMs, tunnels })
  }

  get #isWritable(): boolean {
    return !this.#stream.destroyed && !this.#stream.closed
  }

  #read(raw: readonly string[]): void {
    const { host, peer } = this.#home
    let head: RequestHead
    try {
      head = requestHead(raw, this.#bodyEnded, host.parser)
    } catch (error) {
      if (!(error instanceof MalformedMessageError)) throw error
      this.#answer(refusalOf(error))
      return
    }
    ServedRequest.open(head, peer, host, (request) => {
      this.#request = request
      if (request.admission instanceof Refusal) this.#answer(request.admission.error)
      else this.#forward(request.admission, request)
    })
  }

  #forward(admission: Admission, { observed }: ServedRequest): void {
    this.timer.set(this.#home.host.limits.requestTimeoutMs)
    this.#exchange = new Exchange(admission, this, this.#home.host, observed)
    if (this.#bodyEnded || this.mustSwitch) this.#start()
    // A small body came in the same read, and goes on with the head.
    else setImmediate(() => this.#start())
  }

  #start(): void {
    const spans = this.#early
    this.#early = NOTHING
    this.#exchange?.start(spans, this.#bodyEnded || this.mustSwitch, this.#trailers)
  }

  #onData(chunk: Buffer): void {
    const exchange = this.#exchange
    if (exchange === undefined) return
    const { destination, framing } = exchange.admission
    const bytesMax = Math.min(this.#home.host.limits.bodyBytesMax, destination.bodyBytesMax ?? Number.POSITIVE_INFINITY)
    this.#bodyBytes += chunk.length
    if (this.#bodyBytes > bytesMax) exchange.refuse(413, `The body is larger than ${bytesMax} bytes.`)
    else if (framing.kind === 'length' && this.#bodyBytes > framing.bytes) exchange.refuse(400, LENGTH_MISMATCH)
    else this.#pass([chunk], false)
  }

  #onTrailers(fields: readonly string[]): void {
    try {
      this.#trailers = trailerLines(fields, this.#home.host.parser)
    } catch (error) {
      if (!(error instanceof MalformedMessageError)) throw error
      this.#exchange?.refuse(400, `The trailers have ${error.message}.`)
    }
  }

  #onEnd(): void {
    const exchange = this.#exchange
    if (this.#bodyEnded || exchange === undefined) return
    const { framing } = exchange.admission
    this.#bodyEnded = true
    if (framing.kind === 'length' && this.#bodyBytes < framing.bytes) exchange.refuse(400, LENGTH_MISMATCH)
    else this.#pass([], true)
  }

  #pass(spans: readonly Buffer[], ends: boolean): void {
    if (this.#early === NOTHING) this.#exchange?.send(spans, ends, this.#trailers)
    else this.#early.push(...spans)
  }

  #fieldsOf({ status, fields }: ResponseHead): string[] {
    const raw = [':status', String(status), ...this.#commonFields(fields.endToEnd)]
    const length = status === 204 ? undefined : fields.get('content-length')
    const trailer = fields.get('trailer')
    if (length !== undefined) raw.push('content-length', length)
    if (trailer !== undefined) raw.push('trailer', trailer)
    return raw
  }

  #commonFields(endToEnd: string): string[] {
    return [...rawFields(endToEnd), 'x-correlation-id', this.#request!.context.correlationId]
  }

  #answer(error: unknown): void {
    const correlationId = this.#request?.context.correlationId
    const { status, headers, body } = streamProblem(error, { isGrpc: this.#isGrpc, ...(correlationId !== undefined && { correlationId }) })
    if (status === 500) this.#home.host.onDefect(error)
    this.timer.set(this.#home.host.limits.silenceTimeoutMs)
    if (this.#isWritable) {
      const endStream = this.#isHead || body === ''
      this.#stream.respond(headers, { endStream })
      if (!endStream) this.#stream.end(body)
    }
    this.#request?.answered()
    this.#endRequest('answered', { status, error })
    this.#finish()
  }

  /** The answer has been handed over whole. What still comes of the body is of no use to anybody. */
  #finish(): void {
    this.#isAnswered = true
    if (!this.#bodyEnded && this.#isWritable) {
      this.#stream.resume()
      this.#stream.close(NGHTTP2_NO_ERROR)
    }
  }

  #endRequest(outcome: RequestEnd['outcome'], told: OperationOutcome): void {
    const request = this.#request
    this.#request = undefined
    request?.end(outcome, told)
  }

  #expired(): void {
    // It does not take its answer.
    if (this.#exchange === undefined) this.#stream.close(NGHTTP2_CANCEL)
    else this.#exchange.expire()
  }

  #gone(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.timer.release()
    this.#exchange?.abandon()
    this.#exchange = undefined
    this.#endRequest('left', { failure: 'the client reset the stream' })
    this.#home.onStreamClosed(this, { wasReset: !this.#isAnswered })
  }
}

const valueOf = (raw: readonly string[], name: string): string | undefined =>
  raw.find((_, index) => index % 2 === 1 && raw[index - 1] === name)

const NOTHING: Buffer[] = []
const LENGTH_MISMATCH = 'The body is not as long as its Content-Length.'
