import type { IncomingMessage, ServerResponse } from 'node:http'
import { RefusedRequestError } from '@seaworthy/http-proxy'
import {
  type CallContext,
  type Clock,
  executedOf,
  isFinal,
  TimeoutError,
  type Timer,
  UnavailableError,
  UnknownOutcomeError,
} from 'seaworthy/core'
import { endToEndRequestHeaders, type Framing, type RawHeaders, valuesOf } from './headers.ts'
import type { GatewayLimits } from './limits.ts'
import { RequestBody } from './request-body.ts'

export interface ExchangeOptions {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly context: CallContext
  readonly framing: Framing
  /** Of the client's own deadline, by `x-request-timeout-ms`. */
  readonly timeoutMs: number | undefined
  /** The client waits for `100 Continue` before it sends its body. */
  readonly expectsContinue: boolean
  readonly upstream: string
  readonly limits: GatewayLimits
  readonly clock: Clock
}

// RFC 9110, section 9.2.1: a request that asks for nothing to be changed.
const SAFE_METHODS: ReadonlySet<string | undefined> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE'])

/**
 * One request on its way through the gateway. Its time limit depends on where it is: its body still coming in, for which the client's own deadline and the
 * server's limit for requests count; `waiting` for the upstream; `sent` and not yet answered; or `answered`, when only the client's and the upstream's
 * pace count.
 */
export class Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly context: CallContext
  readonly framing: Framing
  readonly endToEndHeaders: RawHeaders
  readonly body: RequestBody
  /** A repetition does no harm: the method is safe, or a key that is forwarded lets the receiver tell it. */
  readonly isRepeatable: boolean
  readonly #controller = new AbortController()
  readonly #clock: Clock
  readonly #limits: GatewayLimits
  readonly #upstream: string
  readonly #timeoutMs: number | undefined
  readonly #startedMs: number
  /** When it first waited for the upstream. */
  #waitingSinceMs: number | undefined
  #timer: Timer | undefined
  #lastError: unknown
  #isUnderWay = false
  /** An attempt was sent whose outcome nobody knows. */
  #mayHaveRun = false

  constructor(options: ExchangeOptions) {
    const { request, response, limits } = options
    this.request = request
    this.response = response
    this.context = options.context
    this.framing = options.framing
    this.endToEndHeaders = endToEndRequestHeaders(request.rawHeaders)
    this.isRepeatable = SAFE_METHODS.has(request.method) || valuesOf(this.endToEndHeaders, 'idempotency-key').length > 0
    this.#clock = options.clock
    this.#limits = limits
    this.#upstream = options.upstream
    this.#timeoutMs = options.timeoutMs
    this.#startedMs = options.clock.monotonicMs()
    this.body = new RequestBody(request, {
      framing: options.framing,
      keptBytesMax: limits.keptBodyBytesMax,
      bytesMax: limits.bodyBytesMax,
      onReading: () => {
        if (options.expectsContinue) response.writeContinue()
      },
      onTooLarge: () => this.refuse(413, `The body is larger than ${limits.bodyBytesMax} bytes.`),
    })
    const { timeoutMs } = options
    if (timeoutMs !== undefined && !this.body.hasArrived) {
      this.#limit(
        this.#startedMs + timeoutMs,
        () => new TimeoutError(`The body did not arrive within the client's ${timeoutMs} ms.`, timeoutMs, { executed: 'no' }),
      )
    }
  }

  /** Aborted when the client is gone, its time is up, or its body is too large; the reason says which. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** What is left of the client's own deadline. */
  get remainingMs(): number | undefined {
    return this.#timeoutMs === undefined
      ? undefined
      : Math.max(1, Math.floor(this.#startedMs + this.#timeoutMs - this.#clock.monotonicMs()))
  }

  abort(reason: unknown): void {
    if (!this.#controller.signal.aborted) this.#controller.abort(reason)
  }

  /** Ends a request because the gateway stops. */
  stop(): void {
    const message = 'The gateway stops, and the request was not finished in time.'
    this.abort(this.#isUnderWay ? new UnknownOutcomeError(`${message} It may have been executed.`) : new UnavailableError(message))
  }

  /** Ends a request whose body turned out to be one that is not taken. Its upstream may have begun with what came before. */
  refuse(status: number, message: string): void {
    this.abort(new RefusedRequestError(status, message, this.#isUnderWay || this.#mayHaveRun ? 'maybe' : 'no'))
  }

  /** Nothing is on its way to the upstream; `cause` is why the last attempt did not succeed. */
  waiting(cause?: unknown): void {
    this.#lastError = cause ?? this.#lastError
    this.#isUnderWay = false
    if (cause !== undefined && executedOf(cause) !== 'no') this.#mayHaveRun = true
    this.#waitingSinceMs ??= this.#clock.monotonicMs()
    const deadlineMs = this.#startedMs + (this.#timeoutMs ?? Number.POSITIVE_INFINITY)
    this.#limit(Math.min(this.#waitingSinceMs + this.#limits.waitMaxMs, deadlineMs), () => this.#waitedTooLong())
  }

  /** The request is on its way: from here on it may have been executed. */
  sent(): void {
    this.#isUnderWay = true
    const answerByMs = this.#clock.monotonicMs() + this.#limits.answerTimeoutMs
    const untilMs = Math.min(answerByMs, this.#startedMs + (this.#timeoutMs ?? Number.POSITIVE_INFINITY))
    this.#limit(untilMs, () => {
      // What was agreed, not how late the timer came.
      const afterMs = Math.round(untilMs - this.#startedMs)
      return new TimeoutError(`${this.#upstream} did not answer within ${afterMs} ms. The request may have been executed.`, afterMs)
    })
  }

  answered(): void {
    this.#timer?.cancel()
  }

  /** The client is gone, or has its whole answer. */
  close(): void {
    this.#timer?.cancel()
    if (!this.response.writableFinished) this.abort(new DOMException('The client closed the connection.', 'AbortError'))
  }

  /** The last error; that the last attempt was not executed does not settle a request of which an earlier one may have been. */
  errorOfAllAttempts(error: unknown): unknown {
    if (!this.#mayHaveRun || executedOf(error) !== 'no' || isFinal(error)) return error
    const message = error instanceof Error ? error.message : String(error)
    return new UnknownOutcomeError(
      `${this.#upstream} may have executed the request at an earlier attempt. The last one failed: ${message}`,
      {
        cause: error,
      },
    )
  }

  #limit(untilMs: number, reason: () => Error): void {
    this.#timer?.cancel()
    this.#timer = this.#clock.timer(untilMs - this.#clock.monotonicMs(), () => this.abort(reason()))
  }

  #waitedTooLong(): Error {
    const cause = this.#lastError
    const why = cause instanceof Error ? ` ${cause.message}` : ''
    return this.#timeoutMs !== undefined && this.#timeoutMs < this.#limits.waitMaxMs
      ? new TimeoutError(`${this.#upstream} was not there within the client's ${this.#timeoutMs} ms.${why}`, this.#timeoutMs, {
          executed: 'no',
          cause,
        })
      : new UnavailableError(`${this.#upstream} was not there within ${this.#limits.waitMaxMs} ms.${why}`, { cause })
  }
}
