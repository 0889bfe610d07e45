import { TimeoutError, UnavailableError, UnknownOutcomeError } from 'seaworthy/core'
import { type Admission, headFor } from './admission.ts'
import type { ResponseHead } from './head.ts'
import type { Part } from './message-writer.ts'
import { RefusedRequestError } from './problem.ts'
import type { AnswerPart, Breakage, ConnectionUser, UpstreamConnection } from './upstream-connection.ts'
import type { Applicant, UpstreamPool } from './upstream-pool.ts'

/** The client's side of an exchange. */
export interface ExchangeClient {
  /** @returns false when the client takes no more for now */
  write(part: Part): boolean
  pauseBody(): void
  resumeBody(): void
  /** The request went out whole; from now on the upstream's time counts. */
  onSent(): void
  /** The answer has been written whole. */
  onAnswered(options: { readonly closes: boolean; readonly status: number }): void
  /** Nothing of an answer has been written: the error is to be answered. */
  onFailed(error: unknown): void
  /** An answer broke off. A clean end would pass half of it off as the whole. */
  onTorn(): void
  onSwitched(connection: UpstreamConnection, rest: Buffer): void
  /** Whether the connection may serve another request after this one. */
  readonly mayKeepAlive: boolean
  /** Some of what was written waits to be sent. */
  readonly holdsBytes: boolean
}

/**
 * - `queued`: no connection yet; the body so far is kept.
 * - `sent`: head, and perhaps the body, have been written.
 * - `relaying`: the client has the head of the answer; what goes wrong now can only be shown by a broken transfer.
 * - `settled`.
 */
type State = 'queued' | 'sent' | 'relaying' | 'settled'

// RFC 9110, section 9.2.1: a request that asks for nothing to be changed.
const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE'])

/** One request on its way to an upstream, and its answer on the way back; both stream, with back-pressure. */
export class Exchange implements ConnectionUser, Applicant {
  readonly admission: Admission
  readonly #client: ExchangeClient
  readonly #pool: UpstreamPool
  #connection: UpstreamConnection | undefined
  #state: State = 'queued'
  /** The body so far, while all of it is kept: it can still be sent, or sent again, from its beginning. */
  #kept: Buffer[] | undefined = []
  #keptBytes = 0
  #requestEnded = false
  #trailers = ''
  #wasRepeated = false
  #isAnswerChunked = false
  #closes = false
  #status = 0

  constructor(admission: Admission, client: ExchangeClient, pool: UpstreamPool) {
    this.admission = admission
    this.#client = client
    this.#pool = pool
  }

  get requestEnded(): boolean {
    return this.#requestEnded
  }

  get holdsBytes(): boolean {
    return this.#client.holdsBytes
  }

  get isRelaying(): boolean {
    return this.#state === 'relaying'
  }

  /** Sends the request, with what came of its body together with its head. */
  start(spans: readonly Buffer[], ends: boolean, trailers: string): void {
    this.#keep(spans, ends, trailers)
    this.#pool.acquire(this)
  }

  /** More of the request's body. */
  send(spans: readonly Buffer[], ends: boolean, trailers: string): void {
    if (this.#state === 'queued') {
      this.#keep(spans, ends, trailers)
      return
    }
    this.#requestEnded = ends
    this.#kept = undefined
    if (this.#state === 'settled') return
    const isTaken = this.#connection!.write({ head: '', spans, isChunked: this.#isChunked, ends, trailers })
    if (ends && this.#state === 'sent') this.#client.onSent()
    if (!isTaken) this.#client.pauseBody()
  }

  onConnection(connection: UpstreamConnection): void {
    const { admission } = this
    const spans = this.#kept ?? []
    this.#connection = connection
    this.#state = 'sent'
    connection.begin(this, admission.method)
    const head = headFor(admission, this.#pool.authority)
    const isTaken = connection.write({ head, spans, isChunked: this.#isChunked, ends: this.#requestEnded, trailers: this.#trailers })
    if (this.#requestEnded) this.#client.onSent()
    else this.#kept = undefined
    if (isTaken) this.#client.resumeBody()
    else this.#client.pauseBody()
  }

  onNoConnection(error: Error): void {
    this.#fail(error)
  }

  onInterim(head: ResponseHead): void {
    const { minorVersion, expectsContinue } = this.admission
    if (this.#state !== 'sent' || minorVersion === 0 || (head.status === 100 && !expectsContinue)) return
    this.#client.write({ head: `${statusLine(head)}${head.fields.endToEnd}\r\n`, spans: [], isChunked: false, ends: false, trailers: '' })
  }

  onSwitch(head: ResponseHead, rest: Buffer): void {
    const connection = this.#connection!
    if (this.#state !== 'sent' || !this.admission.upgrades || head.fields.get('upgrade')?.toLowerCase() !== 'websocket') {
      connection.abandon()
      this.#fail(new UnknownOutcomeError(`${this.#pool.name} switched to another protocol, for which nobody asked.`))
      return
    }
    this.#state = 'settled'
    const lines = `${head.fields.endToEnd}connection: upgrade\r\nupgrade: websocket\r\n${this.#correlationLine}`
    this.#client.write({ head: `${statusLine(head)}${lines}\r\n`, spans: [], isChunked: false, ends: false, trailers: '' })
    this.#client.onSwitched(connection, rest)
  }

  onAnswer({ head, body, spans, ends }: AnswerPart): void {
    if (this.#state === 'settled') return
    if (head !== undefined) {
      this.#state = 'relaying'
      this.#status = head.status
    }
    const written = head === undefined ? '' : this.#answerHead(head, body.framing.kind)
    const isTaken = this.#client.write({
      head: written,
      spans,
      isChunked: this.#isAnswerChunked,
      ends,
      trailers: ends ? body.trailers : '',
    })
    if (ends) {
      this.#state = 'settled'
      this.#connection = undefined
      this.#client.onAnswered({ closes: this.#closes, status: this.#status })
    } else if (!isTaken) this.#connection?.pause()
  }

  onDrain(): void {
    this.#client.resumeBody()
  }

  /** The client takes more again. */
  onClientDrain(): void {
    if (this.#state === 'relaying') this.#connection?.resume()
  }

  onBroken({ cause, stage, wasReused }: Breakage): void {
    this.#connection = undefined
    if (this.#state === 'settled') return
    if (this.#state === 'relaying') {
      this.#state = 'settled'
      this.#client.onTorn()
      return
    }
    const { name } = this.#pool
    if (stage === 'connecting') {
      this.#fail(new UnavailableError(`${name} cannot be reached: ${reasonOf(cause)}. Nothing was sent.`, { cause }))
    } else if (stage === 'silent' && wasReused && this.#mayBeRepeated) {
      // It was most likely closed as idle when the request was on its way.
      this.#wasRepeated = true
      this.#state = 'queued'
      this.#pool.acquire(this, { isFresh: true })
    } else {
      const what = stage === 'silent' ? 'closed the connection before it answered' : 'gave no answer that can be relayed'
      this.#fail(new UnknownOutcomeError(`${name} ${what}: ${reasonOf(cause)}. The request may have been executed.`, { cause }))
    }
  }

  /** Ends the request at the upstream: the client is gone, or has been answered otherwise. */
  abandon(): void {
    this.#state = 'settled'
    this.#pool.withdraw(this)
    this.#connection?.abandon()
    this.#connection = undefined
  }

  /** Refuses a request of which something may have gone on already. */
  refuse(status: number, message: string): void {
    this.#end(new RefusedRequestError(status, message, this.#state === 'queued' ? 'no' : 'maybe'))
  }

  /** The upstream took too long to begin its answer. */
  timeOut(timeoutMs: number): void {
    const isSent = this.#state !== 'queued'
    const what = isSent ? 'The request may have been executed.' : 'Nothing was sent.'
    this.#end(
      new TimeoutError(`${this.#pool.name} did not answer within ${timeoutMs} ms. ${what}`, timeoutMs, {
        executed: isSent ? 'maybe' : 'no',
      }),
    )
  }

  /** The proxy stops. */
  stop(): void {
    const message = 'The proxy stops, and the request was not finished in time.'
    this.#end(this.#state === 'queued' ? new UnavailableError(message) : new UnknownOutcomeError(`${message} It may have been executed.`))
  }

  #end(error: Error): void {
    const { isRelaying } = this
    if (this.#state === 'settled') return
    this.abandon()
    if (isRelaying) this.#client.onTorn()
    else this.#client.onFailed(error)
  }

  #fail(error: Error): void {
    if (this.#state === 'settled') return
    this.#state = 'settled'
    this.#connection = undefined
    this.#client.onFailed(error)
  }

  #keep(spans: readonly Buffer[], ends: boolean, trailers: string): void {
    this.#requestEnded = ends
    this.#trailers = trailers
    for (const span of spans) {
      this.#kept?.push(span)
      this.#keptBytes += span.length
    }
    if (this.#keptBytes > this.#pool.limits.keptBodyBytesMax && !ends) this.#client.pauseBody()
  }

  get #isChunked(): boolean {
    return this.admission.framing.kind === 'chunked'
  }

  get #mayBeRepeated(): boolean {
    return this.#kept !== undefined && !this.#wasRepeated && this.#requestEnded && SAFE_METHODS.has(this.admission.method)
  }

  get #correlationLine(): string {
    return `x-correlation-id: ${this.admission.correlationId}\r\n`
  }

  #answerHead(head: ResponseHead, framing: 'none' | 'length' | 'chunked' | 'close'): string {
    const { minorVersion, keepAlive, expectsContinue } = this.admission
    const { fields } = head
    const isStreamed = framing === 'chunked' || framing === 'close'
    this.#isAnswerChunked = isStreamed && minorVersion === 1
    // A client that was not told to continue may or may not send its body now; only a new connection is sure to be in step.
    const isOutOfStep = expectsContinue && !this.#requestEnded
    // HTTP/1.0 knows no other end of a streamed body than that of its connection.
    this.#closes = !keepAlive || !this.#client.mayKeepAlive || isOutOfStep || (isStreamed && minorVersion === 0)
    let lines = fields.endToEnd + this.#correlationLine
    const length = head.status === 204 ? undefined : fields.get('content-length')
    if (length !== undefined) lines += `content-length: ${length}\r\n`
    if (this.#isAnswerChunked) {
      const trailer = fields.get('trailer')
      if (trailer !== undefined) lines += `trailer: ${trailer}\r\n`
      lines += 'transfer-encoding: chunked\r\n'
    }
    if (this.#closes) lines += 'connection: close\r\n'
    else if (minorVersion === 0) lines += 'connection: keep-alive\r\n'
    return `${statusLine(head)}${lines}\r\n`
  }
}

const statusLine = ({ status, reason }: ResponseHead): string => `HTTP/1.1 ${status} ${reason}\r\n`

/** A refused connection to a name with two addresses is an AggregateError without a message of its own. */
function reasonOf(error: Error): string {
  return error.message === '' ? ((error as NodeJS.ErrnoException).code ?? error.name) : error.message
}
