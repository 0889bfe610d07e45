import type { Socket } from 'node:net'
import { type Admission, keepsAlive, type Peer, Refusal } from './admission.ts'
import { type AnswerHead, answerHead, interimHead, switchHead } from './answer-head.ts'
import { BodyReader } from './body-reader.ts'
import type { ConnectionHost, ServedConnection } from './connection-host.ts'
import { Exchange } from './exchange.ts'
import type { ExchangeClient } from './exchange-client.ts'
import { requestFraming } from './framing.ts'
import type { RequestHead, ResponseHead } from './head.ts'
import { isHttp2 } from './http2/preface.ts'
import { MalformedMessageError } from './malformed.ts'
import { writePart } from './message-writer.ts'
import type { OperationOutcome } from './observed-operation.ts'
import { peerOf } from './origin.ts'
import { type AnsweredRequest, ownAnswer } from './own-answer.ts'
import { LATE, refusalOf, RefusedRequestError } from './problem.ts'
import type { RequestEnd } from './request-end.ts'
import { ServedRequest } from './served-request.ts'
import type { WheelTimer } from './timer-wheel.ts'
import { socketEnd, tunnel } from './tunnel.ts'
import type { AnswerPart, UpstreamTunnel } from './upstream-link.ts'
import { WEBSOCKET } from './websocket.ts'

/**
 * - `head`: between requests, or in the middle of a head.
 * - `exchange`: a request is on its way. Its body may still be coming in.
 * - `discarding`: it was answered before its body was there; the rest is thrown away.
 * - `closing`: the last answer was written. What still comes is thrown away, because a close with unread bytes is a reset, which can destroy the answer on its way.
 * - `tunnel`: another protocol.
 */
type State = 'head' | 'exchange' | 'discarding' | 'closing' | 'tunnel' | 'closed'

/** One connection of a client that speaks HTTP/1: one request after the other, in order, each with exactly one answer. */
export class ClientConnection implements ExchangeClient, ServedConnection {
  readonly #socket: Socket
  readonly #host: ConnectionHost
  readonly #peer: Peer
  readonly timer: WheelTimer
  #state: State = 'head'
  #pending: Buffer | undefined
  #exchange: Exchange | undefined
  #body: BodyReader | undefined
  #request: ServedRequest | undefined
  #isPaused = false
  #isAdvancing = false
  #isHeadBegun = false
  /** Where the body of the current request ends, nobody can tell any more. */
  #isOutOfStep = false
  /** Of the answer that is being written. */
  #answerHead: AnswerHead | undefined

  constructor(socket: Socket, host: ConnectionHost) {
    this.#socket = socket
    this.#host = host
    this.#peer = peerOf(socket, host.trusted)
    this.timer = host.wheel.timer(() => this.#expired())
    this.timer.set(host.limits.headersTimeoutMs)
    socket
      .on('data', (chunk: Buffer) => this.#onData(chunk))
      .on('drain', () => this.#onDrain())
      .on('end', () => this.#onEnd())
      .on('error', () => this.#gone())
      .on('close', () => this.#gone())
  }

  get holdsBytes(): boolean {
    return this.#socket.writableLength > 0
  }

  closeIfIdle(): void {
    if (this.#state !== 'head') return
    // Its last answer may still be on its way.
    if (this.holdsBytes) this.#finish()
    else this.destroy()
  }

  stop(): void {
    if (this.#exchange === undefined) this.destroy()
    else this.#exchange.stop()
  }

  destroy(): void {
    this.#socket.destroy()
    this.#gone()
  }

  writeInterim(head: ResponseHead): void {
    this.#socket.write(interimHead(head), 'latin1')
  }

  writeAnswer(part: AnswerPart): boolean {
    this.timer.set(this.#host.limits.silenceTimeoutMs)
    const head = part.head === undefined ? '' : this.#headOf(part.head, part)
    return writePart(this.#socket, part, { head, isChunked: this.#answerHead!.isChunked })
  }

  pauseBody(): void {
    if (this.#isPaused) return
    this.#isPaused = true
    this.#socket.pause()
  }

  resumeBody(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#socket.resume()
    this.#advance()
  }

  onAnswered(status: number): void {
    this.#exchange = undefined
    this.#endRequest('answered', { status })
    if (this.#answerHead!.closes) this.#finish()
    else this.#next()
  }

  onFailed(error: unknown): void {
    const { method, context, keepAlive, expectsContinue } = this.#exchange!.admission
    this.#exchange = undefined
    this.#answer(error, { method, correlationId: context.correlationId, keepAlive, expectsContinue })
  }

  onTorn(): void {
    this.#endRequest('broken', { failure: 'the answer broke off' })
    this.#socket.resetAndDestroy()
    this.#gone()
  }

  // What follows a 200 in place of 101 is its body.
  readonly mustSwitch = false

  agreesTo({ fields }: ResponseHead): boolean {
    return fields.get('upgrade')?.toLowerCase() === WEBSOCKET
  }

  onSwitched(head: ResponseHead, upstream: UpstreamTunnel, rest: Buffer): void {
    const client = this.#socket
    this.#request?.answered()
    client.write(switchHead(head, this.#exchange!.admission.context), 'latin1')
    this.#exchange = undefined
    this.#state = 'tunnel'
    this.#endRequest('switched', { status: 101 })
    if (rest.length > 0) client.write(rest)
    if (this.#pending !== undefined) upstream.end.stream.write(this.#pending)
    this.#letGo()
    const { limits, tunnels } = this.#host
    tunnel({ client: socketEnd(client), upstream, timer: this.timer, silenceTimeoutMs: limits.silenceTimeoutMs, tunnels })
  }

  #headOf(head: ResponseHead, { framing }: AnswerPart): string {
    const { admission, hasArrived } = this.#exchange!
    this.#request?.answered()
    const answer = answerHead(head, framing, admission, { requestEnded: hasArrived, mayKeepAlive: !this.#host.isDraining })
    this.#answerHead = answer
    return answer.text
  }

  #onData(chunk: Buffer): void {
    if (this.#state === 'closing') return
    this.#pending = this.#pending === undefined ? chunk : Buffer.concat([this.#pending, chunk])
    this.#advance()
  }

  /** Takes what has come as far as it can be taken now. An exchange that settles at once comes back here. */
  #advance(): void {
    if (this.#isAdvancing) return
    this.#isAdvancing = true
    try {
      while (this.#pending !== undefined && this.#step(this.#pending));
    } catch (error) {
      this.#host.onDefect(error)
      this.destroy()
    } finally {
      this.#isAdvancing = false
    }
  }

  /** @returns false when nothing more can be done with what has come */
  #step(bytes: Buffer): boolean {
    switch (this.#state) {
      case 'head':
        // A client that asks on and reads nothing would fill the memory with its answers.
        if (this.#socket.writableNeedDrain) {
          this.pauseBody()
          return false
        }
        return this.#readHead(bytes)
      case 'exchange':
      case 'discarding':
        if (!this.#isPaused && !this.#body!.ended) return this.#readBody(bytes)
        // The next request waits for this one's answer: answers go out in the order of their requests (RFC 9112, section 9.3.2).
        if (bytes.length > this.#host.limits.headerBytesMax) this.pauseBody()
        return false
      case 'closing':
      case 'closed':
      case 'tunnel':
        this.#pending = undefined
        return false
    }
  }

  #readHead(bytes: Buffer): boolean {
    const { parser, limits } = this.#host
    let head: RequestHead | undefined
    try {
      head = parser.request(bytes, 0)
    } catch (error) {
      if (!(error instanceof MalformedMessageError)) throw error
      if (isHttp2(error, this.#socket, bytes)) this.#handOver(bytes)
      else this.#answer(refusalOf(error), undefined)
      return false
    }
    if (head === undefined) {
      // Not moved on by each byte: a head has so much time as a whole.
      if (!this.#isHeadBegun) this.timer.set(limits.headersTimeoutMs)
      this.#isHeadBegun = true
      return false
    }
    this.#isHeadBegun = false
    this.#begin(head, bytes)
    return true
  }

  #handOver(bytes: Buffer): void {
    this.#letGo()
    this.#state = 'closed'
    this.timer.release()
    this.#host.onHttp2(this, this.#socket.pause(), bytes)
  }

  #letGo(): void {
    this.#pending = undefined
    this.#socket.removeAllListeners('data').removeAllListeners('drain').removeAllListeners('end')
  }

  #begin(head: RequestHead, bytes: Buffer): void {
    ServedRequest.open(head, this.#peer, this.#host, (request) => {
      const { admission, context } = request
      this.#request = request
      if (admission instanceof Refusal) this.#refuse(admission.error, head, bytes, context.correlationId)
      else this.#forward(admission, bytes, head.next)
    })
  }

  #forward(admission: Admission, bytes: Buffer, next: number): void {
    const body = new BodyReader(admission.framing, this.#host.parser)
    this.#state = 'exchange'
    this.#body = body
    const exchange = new Exchange(admission, this, this.#host, this.#request!.observed)
    this.#exchange = exchange
    this.timer.set(this.#host.limits.requestTimeoutMs)
    const spans = this.#take(body, bytes, next)
    if (spans !== undefined) exchange.start(spans, body.ended, body.trailers)
  }

  #readBody(bytes: Buffer): boolean {
    const body = this.#body!
    const spans = this.#take(body, bytes, 0)
    if (spans === undefined) return true
    this.#exchange?.send(spans, body.ended, body.trailers)
    if (body.ended && this.#state === 'discarding') this.#next()
    return true
  }

  /** Reads what has come of a body. @returns undefined when it was refused */
  #take(body: BodyReader, bytes: Buffer, start: number): Buffer[] | undefined {
    const bodyBytesMax = Math.min(
      this.#host.limits.bodyBytesMax,
      this.#exchange?.admission.destination.bodyBytesMax ?? Number.POSITIVE_INFINITY,
    )
    const spans: Buffer[] = []
    let next = start
    try {
      next = body.read(bytes, start, spans)
    } catch (error) {
      if (!(error instanceof MalformedMessageError)) throw error
      this.#refuseBody(400, `The body has ${error.message}.`)
      return undefined
    }
    this.#pending = next < bytes.length ? (next === 0 ? bytes : bytes.subarray(next)) : undefined
    if (body.bytes + body.promisedBytes <= bodyBytesMax) return spans
    this.#refuseBody(413, `The body is larger than ${bodyBytesMax} bytes.`)
    return undefined
  }

  #refuseBody(status: number, message: string): void {
    this.#isOutOfStep = true
    if (this.#exchange === undefined) this.destroy()
    else this.#exchange.refuse(status, message)
  }

  #refuse(error: unknown, head: RequestHead, bytes: Buffer, correlationId: string): void {
    let framing
    try {
      framing = requestFraming(head)
    } catch {
      // Nobody can tell where its body ends.
      this.#isOutOfStep = true
    }
    this.#body = new BodyReader(framing ?? { kind: 'none' }, this.#host.parser)
    this.#pending = head.next < bytes.length ? bytes.subarray(head.next) : undefined
    this.#answer(error, {
      method: head.method,
      correlationId,
      keepAlive: keepsAlive(head),
      expectsContinue: head.fields.get('expect') !== undefined,
    })
  }

  #answer(error: unknown, request: AnsweredRequest | undefined): void {
    const inStep = { isOutOfStep: this.#isOutOfStep, bodyEnded: this.#body?.ended ?? true, mayKeepAlive: !this.#host.isDraining }
    const { status, closes, text } = ownAnswer(error, request, inStep)
    if (status === 500) this.#host.onDefect(error)
    this.#socket.write(text)
    this.#request?.answered()
    this.#endRequest('answered', { status, error })
    if (closes) this.#finish()
    else this.#next()
  }

  #endRequest(outcome: RequestEnd['outcome'], told: OperationOutcome): void {
    const request = this.#request
    this.#request = undefined
    request?.end(outcome, told)
  }

  /** The request has been answered: on to the next, once its body is out of the way. */
  #next(): void {
    const { limits } = this.#host
    if (this.#body!.ended) {
      this.#state = 'head'
      this.#body = undefined
      this.timer.set(limits.keepAliveTimeoutMs)
    } else {
      this.#state = 'discarding'
      this.timer.set(limits.lingerMs)
    }
    if (this.#isPaused) this.resumeBody()
    else this.#advance()
  }

  /** The last answer has been written. */
  #finish(): void {
    this.#state = 'closing'
    this.#pending = undefined
    const { silenceTimeoutMs, lingerMs } = this.#host.limits
    this.timer.set(silenceTimeoutMs)
    // Only when the client has taken all of it.
    this.#socket.end(() => {
      if (this.#state === 'closing') this.timer.set(lingerMs)
    })
    if (this.#isPaused) this.resumeBody()
  }

  #onDrain(): void {
    if (this.#exchange === undefined) this.resumeBody()
    else this.#exchange.onClientDrain()
  }

  #onEnd(): void {
    // A client that closes its side while it is being answered has left: most do it by a close of both.
    if (this.#state === 'exchange') this.destroy()
    // What was answered may still be on its way.
    else if (this.#state !== 'closing') this.#finish()
  }

  #expired(): void {
    switch (this.#state) {
      case 'head':
        if (this.#isHeadBegun) this.#answer(new RefusedRequestError(408, LATE), undefined)
        else this.destroy()
        return
      case 'exchange':
        this.#isOutOfStep = !this.#exchange!.hasArrived
        this.#exchange!.expire()
        return
      case 'discarding':
      case 'closing':
      case 'tunnel':
        this.destroy()
        return
      case 'closed':
    }
  }

  #gone(): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#pending = undefined
    this.timer.release()
    this.#exchange?.abandon()
    this.#exchange = undefined
    this.#endRequest('left', { failure: 'the client closed the connection' })
    this.#host.onClosed(this)
  }
}
