import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import {
  type CallContext,
  InvalidInputError,
  observed,
  type Operation,
  systemClock,
  type Timer,
  TimeoutError,
  withContext,
} from 'seaworthy/core'
import { CONTEXT_HEADERS, type HeaderLookup, readContext, readIdempotencyKey } from '../context.ts'
import { TIMEOUT_HEADER } from './errors.ts'

const server = observed('http.server')

/** What is known of the route when a request arrives; `template` is undefined where no route fits. */
export interface Route {
  readonly method: string
  readonly template: string | undefined
  /** False for health checks, whose spans would bury all others. */
  readonly observed: boolean
}

/**
 * One request and its answer. Lives from the request's headers until the answer is written or the client is gone,
 * and until the handler has ended: both are waited for when the server drains.
 */
export class Exchange {
  readonly call: CallContext
  readonly #controller = new AbortController()
  readonly #deadline: Timer | undefined
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  #operation: Operation | undefined
  #open = 1
  readonly #onEnd: (exchange: Exchange) => void

  /** Settles when the handler's time is up; never otherwise. The handler is told by its signal at the same moment. */
  readonly expired: Promise<never>

  private constructor(
    call: CallContext,
    timeoutMs: number | undefined,
    request: IncomingMessage,
    response: ServerResponse,
    onEnd: (exchange: Exchange) => void,
  ) {
    this.#request = request
    this.#response = response
    this.#onEnd = onEnd
    const { promise, reject } = Promise.withResolvers<never>()
    this.expired = promise
    // Whoever races against it may have left before it rejects.
    promise.catch(() => {})
    this.call = {
      ...call,
      signal: this.#controller.signal,
      ...(timeoutMs !== undefined && { deadlineMs: systemClock.monotonicMs() + timeoutMs }),
    }
    if (timeoutMs !== undefined) {
      this.#deadline = systemClock.timer(
        timeoutMs,
        () => {
          const error = new TimeoutError(`The caller's deadline of ${timeoutMs} ms passed while the request was handled.`, timeoutMs, {
            executed: 'maybe',
          })
          reject(error)
          this.#controller.abort(error)
        },
        { keepAlive: false },
      )
    }
  }

  /**
   * Opens an exchange and goes on with `next` inside its context and its span.
   * `next` gets the error that the context's headers deserve, if any.
   */
  static open(
    request: IncomingMessage,
    response: ServerResponse,
    route: Route,
    onEnd: (exchange: Exchange) => void,
    next: (exchange: Exchange, error: InvalidInputError | undefined) => void,
  ): void {
    const header: HeaderLookup = (name) => {
      const value = request.headers[name]
      return Array.isArray(value) ? value.join(', ') : value
    }
    const incoming = readContext(header)
    let error: InvalidInputError | undefined
    let timeoutMs: number | undefined
    let idempotencyKey: string | undefined
    try {
      timeoutMs = readTimeoutMs(header)
      idempotencyKey = readIdempotencyKey(header)
    } catch (caught) {
      if (!(caught instanceof InvalidInputError)) throw caught
      error = caught
    }
    const call = idempotencyKey === undefined ? incoming : { ...incoming, idempotencyKey }
    const exchange = new Exchange(call, timeoutMs, request, response, onEnd)
    response.setHeader(CONTEXT_HEADERS.correlationId, exchange.call.correlationId)
    withContext(exchange.call, () => {
      if (!route.observed) {
        response.once('close', () => exchange.#closed())
        next(exchange, error)
        return
      }
      // The span lasts as long as the response is open; nothing can reject, so nothing is left unhandled.
      void server.run(
        () => describe(exchange.call, incoming, request, route),
        (operation) =>
          new Promise<void>((resolve) => {
            response.once('close', () => {
              exchange.#closed()
              resolve()
            })
            exchange.#operation = operation
            next(exchange, error)
          }),
      )
    })
  }

  /** Counts a handler as running until `work` settles, whether or not its answer is still wanted. */
  async during<T>(work: () => Promise<T> | T): Promise<T> {
    this.#open++
    try {
      return await work()
    } finally {
      this.#release()
    }
  }

  /** Ends the work of a handler that the server cannot wait for any longer. */
  abort(reason: Error): void {
    this.#controller.abort(reason)
  }

  /** Notes why the answer is an error, for the span. */
  failed(type: string): void {
    if (this.#operation === undefined) return
    this.#operation.attributes['error.type'] = type
    if (this.#response.statusCode >= 500) this.#operation.failure = type
  }

  get socket(): Socket {
    return this.#request.socket
  }

  /** True once the request is complete, or its answer has begun. */
  get isAnswerable(): boolean {
    return this.#request.complete || this.#response.headersSent
  }

  #closed(): void {
    this.#deadline?.cancel()
    const finished = this.#response.writableFinished
    if (!finished) {
      this.#controller.abort(new DOMException('The client closed the connection before it had its answer.', 'AbortError'))
    }
    if (this.#operation !== undefined) {
      if (finished) this.#operation.attributes['http.response.status_code'] = this.#response.statusCode
      else {
        this.#operation.attributes['error.type'] = 'cancelled'
        this.#operation.failure = 'the client closed the connection'
      }
    }
    this.#release()
  }

  #release(): void {
    this.#open--
    if (this.#open === 0) this.#onEnd(this)
  }
}

function describe(call: CallContext, parent: CallContext, request: IncomingMessage, route: Route): Operation {
  const path = request.url ?? '/'
  const query = path.indexOf('?')
  return {
    name: route.template === undefined ? route.method : `${route.method} ${route.template}`,
    kind: 'server',
    parent: { traceparent: parent.traceparent, tracestate: parent.tracestate },
    attributes: {
      'http.request.method': route.method,
      'url.scheme': 'http',
      'url.path': query === -1 ? path : path.slice(0, query),
      ...(route.template !== undefined && { 'http.route': route.template }),
      'seaworthy.correlation_id': call.correlationId,
    },
  }
}

// 2^31-1 ms are 24 days: a caller that waits longer wants no deadline.
const TIMEOUT_MS = /^\d{1,9}$/

function readTimeoutMs(header: HeaderLookup): number | undefined {
  const text = header(TIMEOUT_HEADER)
  if (text === undefined) return undefined
  if (TIMEOUT_MS.test(text)) return Number(text)
  throw new InvalidInputError(`The header ${TIMEOUT_HEADER} is not valid: it is a whole number of milliseconds.`, [
    { field: TIMEOUT_HEADER, message: 'Expected a whole number of milliseconds' },
  ])
}
