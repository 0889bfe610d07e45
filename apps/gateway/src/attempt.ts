import { type Agent, type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http'
import type { Socket } from 'node:net'
import { type Clock, type Operation, type Timer, traceHeaders, UnavailableError, UnknownOutcomeError } from 'seaworthy/core'
import type { Exchange } from './exchange.ts'
import { CORRELATION_ID, endToEndResponseHeaders, forwardedHeaders, valuesOf } from './headers.ts'

export interface AttemptTarget {
  readonly name: string
  readonly url: URL
  readonly agent: Agent
  readonly connectTimeoutMs: number
  readonly clock: Clock
}

/**
 * - `connecting`: nothing has been written; whatever goes wrong, nothing was executed.
 * - `sent`: headers, and perhaps the body, have been written.
 * - `relaying`: the client has the head of the answer; what goes wrong now can only be shown by a broken transfer.
 * - `settled`.
 */
type State = 'connecting' | 'sent' | 'relaying' | 'settled'

/**
 * Sends a request to an upstream once, and relays the answer, both ways with back-pressure. Resolves when the answer
 * has been relayed or can no longer be.
 * @throws UnavailableError when it was surely not executed; UnknownOutcomeError when it may have been; the exchange's abort reason
 */
export function attempt(exchange: Exchange, target: AttemptTarget, operation: Operation | undefined): Promise<void> {
  return new Promise((resolve, reject) => new Attempt(exchange, target, operation, resolve, reject))
}

class Attempt {
  readonly #exchange: Exchange
  readonly #target: AttemptTarget
  readonly #operation: Operation | undefined
  readonly #resolve: () => void
  readonly #reject: (error: unknown) => void
  readonly #request: ClientRequest
  readonly #onAbort = () => this.#aborted()
  readonly #onDrain = () => this.#answer?.resume()
  #connectTimer: Timer | undefined
  #answer: IncomingMessage | undefined
  #state: State = 'connecting'

  constructor(
    exchange: Exchange,
    target: AttemptTarget,
    operation: Operation | undefined,
    resolve: () => void,
    reject: (error: unknown) => void,
  ) {
    this.#exchange = exchange
    this.#target = target
    this.#operation = operation
    this.#resolve = resolve
    this.#reject = reject
    const { request, context } = exchange
    const { url, agent } = target
    this.#request = httpRequest({
      agent,
      host: url.hostname,
      port: url.port || 80,
      method: request.method,
      // Byte for byte as the client sent it: it was checked to mean one thing only.
      path: request.url,
      headers: forwardedHeaders(exchange.endToEndHeaders, {
        clientAddress: request.socket.remoteAddress ?? 'unknown',
        clientHost: request.headers.host,
        upstreamHost: url.host,
        framing: exchange.framing,
        correlationId: context.correlationId,
        ...traceHeaders(context),
        baggage: context.baggage,
        timeoutMs: exchange.remainingMs,
      }),
    })
    this.#request.once('socket', (socket) => this.#onSocket(socket))
    this.#request.once('response', (answer) => this.#onAnswer(answer))
    this.#request.on('error', (error) => this.#broken(error))
    // An upstream that switches protocols although nobody asked it to.
    this.#request.once('upgrade', (_answer, socket) => {
      socket.destroy()
      this.#broken(new Error('it switched to another protocol'))
    })
    exchange.signal.addEventListener('abort', this.#onAbort, { once: true })
  }

  #onSocket(socket: Socket): void {
    if (!socket.connecting) {
      this.#send()
      return
    }
    const { connectTimeoutMs, clock } = this.#target
    this.#connectTimer = clock.timer(connectTimeoutMs, () =>
      this.#request.destroy(new Error(`no connection within ${connectTimeoutMs} ms`)),
    )
    socket.once('connect', () => {
      this.#connectTimer?.cancel()
      this.#send()
    })
  }

  #send(): void {
    if (this.#state !== 'connecting') return
    this.#state = 'sent'
    this.#exchange.sent()
    this.#exchange.body.sendTo(this.#request)
    // A body that is still being sent must not keep the headers waiting.
    if (!this.#request.writableEnded) this.#request.flushHeaders()
  }

  #onAnswer(answer: IncomingMessage): void {
    if (this.#state !== 'sent') {
      answer.destroy()
      return
    }
    if (this.#operation !== undefined) noteStatus(this.#operation, answer.statusCode!)
    if (isDraining(answer) && this.#exchange.body.isReplayable) {
      answer.destroy()
      this.#fail(new UnavailableError(`${this.#target.name} is draining and took no new request.`))
      return
    }
    this.#state = 'relaying'
    this.#answer = answer
    this.#exchange.answered()
    this.#relay(answer)
  }

  #relay(answer: IncomingMessage): void {
    const { response, context } = this.#exchange
    try {
      response.writeHead(answer.statusCode!, [...endToEndResponseHeaders(answer.rawHeaders), CORRELATION_ID, context.correlationId])
    } catch (cause) {
      // A header that may not be sent on: the answer cannot be relayed, and its client must not take an empty one for it.
      this.#fail(new UnknownOutcomeError(`${this.#target.name} answered with a head that cannot be relayed.`, { cause }))
      return
    }
    response.flushHeaders()
    answer.on('data', (chunk: Buffer) => {
      if (!response.write(chunk)) answer.pause()
    })
    response.on('drain', this.#onDrain)
    answer.once('end', () => {
      if (!answer.complete) {
        this.#broken(new Error('it ended in the middle of its answer'))
        return
      }
      if (!this.#settle()) return
      response.end()
      // Answered before the whole request was read: what is left of it is of no use to the upstream.
      if (!this.#request.writableFinished) this.#request.destroy()
      this.#exchange.body.discard()
      this.#resolve()
    })
    answer.once('error', (error) => this.#broken(error))
    answer.once('close', () => this.#broken(new Error('it closed in the middle of its answer')))
  }

  #broken(cause: Error): void {
    const { name } = this.#target
    switch (this.#state) {
      case 'settled':
        return
      case 'connecting':
        this.#fail(new UnavailableError(`${name} cannot be reached: ${reasonOf(cause)}. Nothing was sent.`, { cause }))
        return
      case 'sent':
        this.#fail(
          new UnknownOutcomeError(
            `${name} closed the connection before it answered: ${reasonOf(cause)}. The request may have been executed.`,
            {
              cause,
            },
          ),
        )
        return
      case 'relaying': {
        if (this.#operation !== undefined) this.#operation.failure = `broken answer: ${reasonOf(cause)}`
        this.#settle()
        this.#request.destroy()
        // A clean end would pass half an answer off as a whole one; a reset cannot be mistaken, whatever the framing.
        this.#exchange.request.socket.resetAndDestroy()
        this.#resolve()
      }
    }
  }

  #aborted(): void {
    const wasRelaying = this.#state === 'relaying'
    if (!this.#settle()) return
    this.#request.destroy()
    if (wasRelaying) {
      this.#exchange.request.socket.resetAndDestroy()
      this.#resolve()
    } else this.#reject(this.#exchange.signal.reason)
  }

  #fail(error: unknown): void {
    if (!this.#settle()) return
    this.#request.destroy()
    this.#reject(error)
  }

  /** @returns false when it was settled before */
  #settle(): boolean {
    if (this.#state === 'settled') return false
    this.#state = 'settled'
    this.#connectTimer?.cancel()
    this.#exchange.signal.removeEventListener('abort', this.#onAbort)
    this.#exchange.response.off('drain', this.#onDrain)
    this.#exchange.body.detach()
    return true
  }
}

/**
 * What a service answers on a connection that it is about to close: try elsewhere, or later. Without the
 * `Connection: close` the same answer is about something that it needs itself, and goes to the client.
 */
function isDraining(answer: IncomingMessage): boolean {
  const closes = valuesOf(answer.rawHeaders, 'connection').some((value) => /(?:^|,)\s*close\s*(?:,|$)/i.test(value))
  return answer.statusCode === 503 && answer.headers['x-seaworthy-executed'] === 'no' && closes
}

/** What OpenTelemetry's conventions want of an answer: from 500 on it is a failure. */
export function noteStatus(operation: Operation, status: number): void {
  operation.attributes['http.response.status_code'] = status
  if (status < 500) return
  operation.attributes['error.type'] ??= String(status)
  operation.failure ??= `answered ${status}`
}

/** A refused connection to a name with two addresses is an AggregateError without a message of its own. */
function reasonOf(error: Error): string {
  return error.message === '' ? ((error as NodeJS.ErrnoException).code ?? error.name) : error.message
}
