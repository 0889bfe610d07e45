import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { type CallContext, type InvalidInputError, observed, type Operation, withContext } from 'seaworthy/core'
import { clientLeft, CONTEXT_HEADERS, IncomingCall } from 'seaworthy/http'

const server = observed('http.server')
// A name, or an address; that of IPv6 in brackets.
const HOST = /^([^:[\]]+|\[[^\]]*\])(?::(\d{1,5}))?$/

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
  readonly #incoming: IncomingCall
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  #operation: Operation | undefined
  #open = 1
  readonly #onEnd: (exchange: Exchange) => void

  private constructor(request: IncomingMessage, response: ServerResponse, onEnd: (exchange: Exchange) => void) {
    this.#request = request
    this.#response = response
    this.#onEnd = onEnd
    this.#incoming = new IncomingCall((name) => {
      const value = request.headers[name]
      return Array.isArray(value) ? value.join(', ') : value
    })
  }

  get call(): CallContext {
    return this.#incoming.context
  }

  /** Settles when the handler's time is up; never otherwise. The handler is told by its signal at the same moment. */
  get expired(): Promise<never> {
    return this.#incoming.expired
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
    const exchange = new Exchange(request, response, onEnd)
    const error = exchange.#incoming.invalid
    response.setHeader(CONTEXT_HEADERS.correlationId, exchange.call.correlationId)
    withContext(exchange.call, () => {
      if (!route.observed) {
        response.once('close', () => exchange.#closed())
        next(exchange, error)
        return
      }
      // The span lasts as long as the response is open; nothing can reject, so nothing is left unhandled.
      void server.run(
        () => describe(exchange.call, request, route),
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
    this.#incoming.abort(reason)
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
    this.#incoming.end()
    const finished = this.#response.writableFinished
    if (!finished) this.#incoming.abort(clientLeft())
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

function describe(call: CallContext, request: IncomingMessage, route: Route): Operation {
  const path = request.url ?? '/'
  const query = path.indexOf('?')
  const { socket, headers, httpVersion } = request
  const attributes: Operation['attributes'] = {
    'http.request.method': route.method,
    'url.scheme': 'http',
    'url.path': query === -1 ? path : path.slice(0, query),
    'network.protocol.version': httpVersion,
    'seaworthy.correlation_id': call.correlationId,
  }
  if (route.template !== undefined) attributes['http.route'] = route.template
  if (headers.host !== undefined) addAddress(attributes, headers.host)
  // Gone where the client is.
  if (socket.remoteAddress !== undefined) attributes['network.peer.address'] = socket.remoteAddress
  if (socket.remotePort !== undefined) attributes['network.peer.port'] = socket.remotePort
  if (headers['user-agent'] !== undefined) attributes['user_agent.original'] = headers['user-agent']
  return {
    name: route.template === undefined ? route.method : `${route.method} ${route.template}`,
    kind: 'server',
    parent: { traceparent: call.traceparent, tracestate: call.tracestate },
    attributes,
  }
}

/** The server as its client calls it. */
function addAddress(attributes: Operation['attributes'], host: string): void {
  const parts = HOST.exec(host)
  if (parts === null) return
  attributes['server.address'] = parts[1]!
  const port = Number(parts[2])
  if (port > 0) attributes['server.port'] = port
}
