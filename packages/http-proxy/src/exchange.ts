import { executedOf, isFinal, TimeoutError, type Timer, UnavailableError, UnknownOutcomeError } from 'seaworthy/core'
import { type Admission, describeAttempt } from './admission.ts'
import type { Applicant } from './applicant-queue.ts'
import type { ExchangeClient } from './exchange-client.ts'
import type { ForwardedRequest, Forwarding } from './forwarding.ts'
import type { ResponseHead } from './head.ts'
import { isSafe } from './methods.ts'
import { type ObservedOperation, observeAttempt, UNOBSERVED } from './observed-operation.ts'
import { LATE, RefusedRequestError } from './problem.ts'
import type { ProxyParts } from './proxy-parts.ts'
import type { AnswerPart, Breakage, LinkUser, UpstreamLink, UpstreamTunnel } from './upstream-link.ts'
import type { UpstreamPool } from './upstream-pool.ts'

/**
 * - `waiting`: no attempt is at work; what came of the body is kept.
 * - `queued`: an attempt has no connection yet, or one that is not open: nothing has been written, so nothing was executed.
 * - `sent`: head, and perhaps the body, have been written.
 * - `relaying`: the client has the head of the answer; what goes wrong now can only be shown by a broken transfer.
 * - `settled`.
 */
type State = 'waiting' | 'queued' | 'sent' | 'relaying' | 'settled'

/** One request on its way to an upstream, and its answer on the way back; both stream, with back-pressure. */
export class Exchange implements LinkUser, Applicant, ForwardedRequest {
  readonly admission: Admission
  readonly #client: ExchangeClient
  readonly #parts: ProxyParts
  readonly #request: ObservedOperation
  readonly #forwarding: Forwarding
  readonly #startedMs: number
  readonly #deadline: Timer | undefined
  #pool: UpstreamPool | undefined
  #link: UpstreamLink | undefined
  #attempt: ObservedOperation = UNOBSERVED
  #state: State = 'waiting'
  /** The body so far, while all of it is kept: it can still be sent, or sent again, from its beginning. */
  #kept: Buffer[] | undefined = []
  #keptBytes = 0
  #requestEnded = false
  #trailers = ''
  #lastError: unknown
  #mayHaveRun = false
  #wasContinued = false
  #status = 0

  constructor(admission: Admission, client: ExchangeClient, parts: ProxyParts, request: ObservedOperation) {
    const { timeoutMs, destination } = admission
    this.admission = admission
    this.#client = client
    this.#parts = parts
    this.#request = request
    this.#startedMs = timeoutMs === undefined ? 0 : parts.clock.monotonicMs()
    // Not on the wheel, which may be too late for the little that a caller has left.
    this.#deadline =
      timeoutMs === undefined ? undefined : parts.clock.timer(timeoutMs, () => this.#onDeadline(timeoutMs), { keepAlive: false })
    this.#forwarding = destination.upstream.forwarding(this)
  }

  get hasArrived(): boolean {
    return this.#requestEnded
  }

  get isReplayable(): boolean {
    return this.#kept !== undefined
  }

  get isRepeatable(): boolean {
    const { method, endToEnd } = this.admission
    return isSafe(method) || IDEMPOTENCY_KEY.test(endToEnd)
  }

  get mayHaveRun(): boolean {
    return this.#mayHaveRun
  }

  get holdsBytes(): boolean {
    return this.#client.holdsBytes
  }

  get isRelaying(): boolean {
    return this.#state === 'relaying'
  }

  /** Begins with what came of the body together with its head. */
  start(spans: readonly Buffer[], ends: boolean, trailers: string): void {
    this.#keep(spans, ends, trailers)
    // No attempt is at work: whoever leads the request on counts the time.
    if (ends) this.#client.timer.cancel()
    if (this.admission.timeoutMs === 0) this.#onDeadline(0)
    else this.#forwarding.begin()
  }

  /** More of the request's body. */
  send(spans: readonly Buffer[], ends: boolean, trailers: string): void {
    const state = this.#state
    if (state === 'settled') return
    this.#keep(spans, ends, trailers)
    if (state === 'waiting' || state === 'queued') {
      if (!ends) return
      this.#client.timer.cancel()
      if (state === 'waiting') this.#forwarding.onArrived()
      return
    }
    if (this.#keptBytes > this.#parts.limits.keptBodyBytesMax) this.#kept = undefined
    const isTaken = this.#link!.sendBody({ spans, ends, trailers })
    if (ends && state === 'sent') this.#awaitAnswer()
    if (!isTaken) this.#client.pauseBody()
  }

  attempt(pool: UpstreamPool, options?: { readonly isFresh?: boolean }): void {
    // The client may have left, or run out of time, in the meantime.
    if (this.#state !== 'waiting') return
    this.#pool = pool
    this.#state = 'queued'
    // Nobody hears of most attempts: then there is nothing to make for anybody.
    if (!observeAttempt.isHeard) {
      pool.acquire(this, options)
      return
    }
    this.#request.within(() =>
      observeAttempt(
        this.admission.context,
        () => describeAttempt(this.admission, pool.address),
        (attempt) => {
          this.#attempt = attempt
          pool.acquire(this, options)
        },
      ),
    )
  }

  fail(error: unknown): void {
    this.#end(error)
  }

  onLink(link: UpstreamLink): void {
    this.#link = link
    link.begin(this, this.admission.method)
    if (link.isOpen) this.onOpen()
  }

  onOpen(): void {
    const { admission } = this
    const link = this.#link!
    const body = { spans: this.#kept!, ends: this.#requestEnded, trailers: this.#trailers }
    this.#state = 'sent'
    let isTaken = false
    const send = () => {
      isTaken = link.sendHead(admission, this.#remainingMs, body)
    }
    // Within what the head names as its parent.
    const parent = this.#attempt === UNOBSERVED ? this.#request : this.#attempt
    parent.within(send)
    if (this.#requestEnded) this.#awaitAnswer()
    if (this.#keptBytes > this.#parts.limits.keptBodyBytesMax) this.#kept = undefined
    if (isTaken) this.#client.resumeBody()
    else this.#client.pauseBody()
  }

  onNoLink(error: Error): void {
    this.#failAttempt({ error, wasStale: false })
  }

  onInterim(head: ResponseHead): void {
    const { minorVersion, expectsContinue } = this.admission
    if (this.#state !== 'sent' || minorVersion === 0) return
    if (head.status === 100) {
      // Once is enough: at a second attempt the body is there.
      if (!expectsContinue || this.#wasContinued) return
      this.#wasContinued = true
    }
    this.#client.writeInterim(head)
  }

  onSwitch(head: ResponseHead, tunnel: UpstreamTunnel, rest: Buffer): void {
    if (this.#state !== 'sent' || !this.admission.upgrades || !this.#client.agreesTo(head)) {
      tunnel.abandon()
      const error = new UnknownOutcomeError(`${this.#pool!.address.name} switched to another protocol, for which nobody asked.`)
      this.#failAttempt({ error, wasStale: false })
      return
    }
    this.#forwarding.onHead(head)
    this.#settle({ status: 101 })
    this.#client.onSwitched(head, tunnel, rest)
  }

  onAnswer(part: AnswerPart): void {
    if (this.#state === 'settled') return
    const { head, spans, ends } = part
    if (head !== undefined) {
      const error = this.#forwarding.onHead(head)
      if (error !== undefined) {
        // One that has ended may serve somebody else by now.
        if (!ends) this.#link?.abandon()
        this.#failAttempt({ error, wasStale: false, status: head.status })
        return
      }
      if (this.#client.mustSwitch && head.status < 300) {
        if (ends) this.#link = undefined
        const { name } = this.#pool!.address
        this.#end(new UnknownOutcomeError(`${name} was asked to speak WebSocket, and answered ${head.status} as to any request.`))
        return
      }
      this.#state = 'relaying'
      this.#status = head.status
      this.#kept = undefined
      this.#deadline?.cancel()
    }
    const isTaken = this.#client.writeAnswer(part)
    this.#forwarding.onBody?.(spans, ends)
    if (ends) {
      this.#settle({ status: this.#status })
      this.#client.onAnswered(this.#status)
    } else if (!isTaken) this.#link?.pause()
  }

  onDrain(): void {
    this.#client.resumeBody()
  }

  /** The client takes more again. */
  onClientDrain(): void {
    if (this.#state === 'relaying') this.#link?.resume()
  }

  onBroken({ cause, stage, wasReused }: Breakage): void {
    this.#link = undefined
    if (this.#state === 'settled') return
    if (this.#state === 'relaying') {
      this.#settle({ status: this.#status, failure: `broken answer: ${reasonOf(cause)}` })
      this.#client.onTorn()
      return
    }
    const { name } = this.#pool!.address
    if (stage === 'connecting' || stage === 'refused') {
      const what = stage === 'connecting' ? 'cannot be reached' : 'refused the request unread'
      const sent = stage === 'connecting' ? 'Nothing was sent.' : 'It was not executed.'
      const error = new UnavailableError(`${name} ${what}: ${reasonOf(cause)}. ${sent}`, { cause })
      this.#failAttempt({ error, wasStale: stage === 'refused' })
      return
    }
    const what = stage === 'silent' ? 'closed the connection before it answered' : 'gave no answer that can be relayed'
    const error = new UnknownOutcomeError(`${name} ${what}: ${reasonOf(cause)}. The request may have been executed.`, { cause })
    this.#failAttempt({ error, wasStale: stage === 'silent' && wasReused })
  }

  /** Ends the request at the upstream: the client is gone. */
  abandon(): void {
    this.#stopAttempt()
    this.#settle({ failure: 'the client closed the connection' })
  }

  /** Refuses a request of which something may have gone on already. */
  refuse(status: number, message: string): void {
    this.#end(new RefusedRequestError(status, message, this.#isUnderWay || this.#mayHaveRun ? 'maybe' : 'no'))
  }

  /** The request took too long to arrive, or the upstream to begin its answer, or either to go on with it. */
  expire(): void {
    if (this.isRelaying || this.#requestEnded) this.#timeOut(this.#pool?.limits.answerTimeoutMs ?? 0)
    else this.refuse(408, LATE)
  }

  /** The request went out whole: from now on the upstream's time counts. */
  #awaitAnswer(): void {
    this.#client.timer.set(this.#pool!.limits.answerTimeoutMs)
  }

  #timeOut(timeoutMs: number): void {
    const isSent = this.#isUnderWay
    const what = isSent ? 'The request may have been executed.' : 'Nothing was sent.'
    const name = this.admission.destination.upstream.name
    const error = new TimeoutError(`${name} did not answer within ${Math.round(timeoutMs)} ms. ${what}`, timeoutMs, {
      executed: isSent ? 'maybe' : 'no',
    })
    this.#end(error)
  }

  /** The proxy stops. */
  stop(): void {
    const message = 'The proxy stops, and the request was not finished in time.'
    this.#end(this.#isUnderWay ? new UnknownOutcomeError(`${message} It may have been executed.`) : new UnavailableError(message))
  }

  #onDeadline(timeoutMs: number): void {
    if (this.#state === 'relaying') return
    if (this.#isUnderWay) {
      this.#timeOut(timeoutMs)
      return
    }
    const { name } = this.admission.destination.upstream
    const cause = this.#lastError
    const message = this.#requestEnded
      ? `${name} was not there within the client's ${timeoutMs} ms.${cause instanceof Error ? ` ${cause.message}` : ''}`
      : `The body did not arrive within the client's ${timeoutMs} ms.`
    this.#end(new TimeoutError(message, timeoutMs, { executed: 'no', cause }))
  }

  /** Something may have been sent, and there is no answer yet. */
  get #isUnderWay(): boolean {
    return this.#state === 'sent' || this.#state === 'relaying'
  }

  get #remainingMs(): number | undefined {
    const { timeoutMs } = this.admission
    if (timeoutMs === undefined) return undefined
    return Math.max(1, Math.floor(this.#startedMs + timeoutMs - this.#parts.clock.monotonicMs()))
  }

  /** The attempt is over without an answer: on with whoever leads the request. */
  #failAttempt({ error, wasStale, status }: { readonly error: Error; readonly wasStale: boolean; readonly status?: number }): void {
    this.#link = undefined
    this.#state = 'waiting'
    this.#lastError = error
    if (executedOf(error) !== 'no') this.#mayHaveRun = true
    this.#attempt.end({ error, ...(status !== undefined && { status }) })
    this.#attempt = UNOBSERVED
    if (this.#requestEnded) this.#client.timer.cancel()
    else if (this.#keptBytes <= this.#parts.limits.keptBodyBytesMax) this.#client.resumeBody()
    // What came of the body meanwhile may have been refused.
    if ((this.#state as State) === 'waiting') this.#forwarding.onFailed({ error, wasStale })
  }

  /** Answers with the error, or breaks off an answer. */
  #end(error: unknown): void {
    const { isRelaying } = this
    if (this.#state === 'settled') return
    this.#stopAttempt()
    this.#settle({ error })
    if (isRelaying) this.#client.onTorn()
    else this.#client.onFailed(this.#errorOfAllAttempts(error))
  }

  #stopAttempt(): void {
    this.#pool?.withdraw(this)
    this.#link?.abandon()
  }

  #settle(outcome: Parameters<ObservedOperation['end']>[0]): void {
    if (this.#state === 'settled') return
    this.#state = 'settled'
    this.#link = undefined
    this.#kept = undefined
    this.#deadline?.cancel()
    this.#attempt.end(outcome)
    this.#forwarding.onEnd(outcome.error)
  }

  /** That the last attempt was not executed does not settle a request of which an earlier one may have been. */
  #errorOfAllAttempts(error: unknown): unknown {
    if (!this.#mayHaveRun || executedOf(error) !== 'no' || isFinal(error)) return error
    const message = error instanceof Error ? error.message : String(error)
    const name = this.admission.destination.upstream.name
    return new UnknownOutcomeError(`${name} may have executed the request at an earlier attempt. The last one failed: ${message}`, {
      cause: error,
    })
  }

  #keep(spans: readonly Buffer[], ends: boolean, trailers: string): void {
    this.#requestEnded = ends
    this.#trailers = trailers
    if (this.#kept === undefined) return
    for (const span of spans) {
      this.#kept.push(span)
      this.#keptBytes += span.length
    }
    const isWaiting = this.#state === 'waiting' || this.#state === 'queued'
    if (isWaiting && this.#keptBytes > this.#parts.limits.keptBodyBytesMax && !ends) this.#client.pauseBody()
  }
}

/** It stands among the lines that are sent on, so that the receiver gets it too. */
const IDEMPOTENCY_KEY = /(?:^|\n)idempotency-key:/i

/** A refused connection to a name with two addresses is an AggregateError without a message of its own. */
function reasonOf(error: Error): string {
  return error.message === '' ? ((error as NodeJS.ErrnoException).code ?? error.name) : error.message
}
