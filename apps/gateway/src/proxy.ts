import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { canonicalSegments, problemAnswer, RefusedRequestError, type Router } from '@seaworthy/http-proxy'
import { readContext } from '@seaworthy/rpc'
import {
  type CallContext,
  type Clock,
  InvalidInputError,
  NotFoundError,
  observed,
  type Operation,
  SeaworthyError,
  withContext,
} from 'seaworthy/core'
import type { Route } from 'seaworthy/system'
import { noteStatus } from './attempt.ts'
import { Exchange } from './exchange.ts'
import { type Framing, valuesOf } from './headers.ts'
import type { GatewayLimits } from './limits.ts'
import type { GatewayLog } from './log.ts'
import type { Upstream } from './upstream.ts'

export interface ProxyOptions {
  readonly router: Router
  readonly upstreams: ReadonlyMap<string, Upstream>
  readonly limits: GatewayLimits
  readonly log: GatewayLog
  readonly clock: Clock
}

/** What was found out about a request before anything is done with it. */
type Admission =
  | { readonly kind: 'forward'; readonly route: Route; readonly framing: Framing; readonly timeoutMs: number | undefined }
  | { readonly kind: 'refuse'; readonly error: unknown; readonly route: Route | undefined }

const BREAKS_CONNECTION: ReadonlySet<number> = new Set([400, 408, 417, 431, 501])

const requests = observed('gateway.request')

/** Takes a client's request, finds its upstream, and sees to it that there is exactly one answer. */
export class Proxy {
  readonly #options: ProxyOptions
  readonly #open = new Set<Exchange>()
  readonly #lastAnswered = new WeakSet<Socket>()
  #closesAfterAnswers = false

  constructor(options: ProxyOptions) {
    this.#options = options
  }

  /** Requests that are on their way through. */
  get open(): number {
    return this.#open.size
  }

  /** From now on every answer closes its connection: the gateway is about to stop. */
  closeAfterAnswers(): void {
    this.#closesAfterAnswers = true
    for (const { response } of this.#open) response.shouldKeepAlive = false
  }

  /** Refuses the request whose body broke off on this connection, if it can still be answered; else breaks the connection. */
  refuse(socket: Socket, status: number, message: string): void {
    // Its last answer has been written, and the connection closes when that is sent.
    if (this.#lastAnswered.has(socket)) return
    const onSocket = [...this.#open].filter(({ request }) => request.socket === socket)
    const [exchange] = onSocket
    // An answer in progress cannot be followed by another: its client would take one for the other.
    if (exchange === undefined || onSocket.length > 1 || exchange.response.headersSent) socket.destroy()
    else exchange.refuse(status, message)
  }

  /** Whether an answer is on its way on this connection, or the last one that it carries has been given. */
  isBusy(socket: Socket): boolean {
    return this.#lastAnswered.has(socket) || [...this.#open].some(({ request }) => request.socket === socket)
  }

  /** Ends what is still open, because the gateway stops. */
  stopAll(): void {
    for (const exchange of this.#open) exchange.stop()
  }

  async handle(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): Promise<void> {
    const context = publicContext(request)
    const admission = this.#admit(request)
    await withContext(context, () =>
      requests.run(
        () => describe(request, context, admission.route),
        async (operation) => {
          const closed = new Promise<void>((resolve) => whenClosed(request, response, resolve))
          if (admission.kind === 'refuse') this.#answer(request, response, context, admission.error, expectsContinue, operation)
          else await this.#forward(request, response, context, admission, expectsContinue, operation)
          await closed
          if (operation === undefined) return
          if (response.headersSent) noteStatus(operation, response.statusCode)
          if (!response.writableFinished) operation.failure ??= 'the connection closed before the whole answer was written'
        },
      ),
    )
  }

  async #forward(
    request: IncomingMessage,
    response: ServerResponse,
    context: CallContext,
    admission: Admission & { kind: 'forward' },
    expectsContinue: boolean,
    operation: Operation | undefined,
  ): Promise<void> {
    const { route, framing, timeoutMs } = admission
    const { limits, clock, upstreams } = this.#options
    const upstream = upstreams.get(route.service)
    if (upstream === undefined) throw new TypeError(`There is no upstream ${route.service}.`)
    const exchange = new Exchange({
      request,
      response,
      context,
      framing,
      timeoutMs,
      expectsContinue,
      upstream: route.service,
      limits,
      clock,
    })
    this.#open.add(exchange)
    whenClosed(request, response, () => {
      this.#open.delete(exchange)
      exchange.close()
    })
    if (this.#closesAfterAnswers) response.shouldKeepAlive = false
    try {
      await upstream.forward(exchange)
    } catch (error) {
      // Whoever closed the connection gets no answer.
      if (response.destroyed || request.socket.destroyed) return
      exchange.answered()
      exchange.body.discard()
      this.#answer(request, response, context, exchange.errorOfAllAttempts(error), expectsContinue, operation)
    }
  }

  #admit(request: IncomingMessage): Admission {
    let route: Route | undefined
    try {
      const { limits, router } = this.#options
      refuseAmbiguousHeaders(request, limits)
      route = router.match(canonicalSegments(request.url ?? ''))
      if (route === undefined) throw new NotFoundError(`There is no ${request.method} ${pathOf(request).slice(0, 200)}.`)
      const framing = framingOf(request)
      if (framing.kind === 'length' && framing.bytes > limits.bodyBytesMax)
        throw new RefusedRequestError(413, `The body is ${framing.bytes} bytes; at most ${limits.bodyBytesMax} are taken.`)
      return { kind: 'forward', route, framing, timeoutMs: timeoutOf(request) }
    } catch (error) {
      return { kind: 'refuse', error, route }
    }
  }

  #answer(
    request: IncomingMessage,
    response: ServerResponse,
    context: CallContext,
    error: unknown,
    expectsContinue: boolean,
    operation: Operation | undefined,
  ): void {
    const { log, limits, clock } = this.#options
    if (response.headersSent) {
      request.socket.resetAndDestroy()
      return
    }
    const answer = problemAnswer(error, context.correlationId)
    if (operation !== undefined) {
      operation.attributes['error.type'] = error instanceof SeaworthyError ? error.code : 'internal'
      if (answer.status >= 500) operation.failure = error instanceof Error ? error.message : String(error)
    }
    if (answer.status === 500) log.error({ err: error }, 'the gateway failed')
    else if (answer.status > 500)
      log.warn({ err: error, status: answer.status }, `${request.method} ${pathOf(request)} was not answered by its upstream`)
    // A client that was not told to continue may or may not send its body now; only a new connection is sure to be in step.
    // Nor is one whose bytes could be read in two ways.
    if (expectsContinue || this.#closesAfterAnswers || BREAKS_CONNECTION.has(answer.status)) response.shouldKeepAlive = false
    if (!response.shouldKeepAlive) this.#lastAnswered.add(request.socket)
    response.writeHead(answer.status, [...answer.headers])
    response.end(answer.body)
    if (request.complete) return
    // The rest of the body is read for a moment, because a close with unread bytes is a reset, which can destroy the answer on its way.
    request.resume()
    const timer = clock.timer(limits.lingerMs, () => request.destroy(), { keepAlive: false })
    request.once('close', () => timer.cancel())
  }
}

/** Calls `then` once the answer is written or its connection is gone. An answer that waits behind another on its connection hears only of the latter. */
function whenClosed({ socket }: IncomingMessage, response: ServerResponse, then: () => void): void {
  const done = () => {
    response.off('close', done)
    socket.off('close', done)
    then()
  }
  response.on('close', done)
  socket.on('close', done)
}

const pathOf = (request: IncomingMessage): string => (request.url ?? '').split('?', 1)[0]!

/** The context at the public edge: headers that hold, others replaced. Who the actor is, no client says for itself. */
function publicContext(request: IncomingMessage): CallContext {
  const { actor: _, ...context } = readContext((name) => {
    const value = request.headers[name]
    return Array.isArray(value) ? value.join(', ') : value
  })
  return context
}

function describe(request: IncomingMessage, context: CallContext, route: Route | undefined): Operation {
  const method = request.method ?? ''
  return {
    name: route === undefined ? method : `${method} ${route.path}`,
    kind: 'server',
    parent: { traceparent: context.traceparent, tracestate: context.tracestate },
    attributes: {
      'http.request.method': method,
      'url.scheme': 'http',
      'url.path': pathOf(request),
      ...(route !== undefined && { 'http.route': route.path, 'seaworthy.upstream': route.service }),
      'seaworthy.correlation_id': context.correlationId,
    },
  }
}

// RFC 9110, section 7.2: host and port; no user, no path.
const HOST = /^(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/

/** What node's parser lets through, and two programs could understand differently. */
function refuseAmbiguousHeaders(request: IncomingMessage, limits: GatewayLimits): void {
  const { rawHeaders } = request
  if (rawHeaders.length / 2 > limits.headersMax)
    throw new RefusedRequestError(431, `The request has ${rawHeaders.length / 2} headers; at most ${limits.headersMax} are taken.`)
  const expectation = request.headers.expect
  if (expectation !== undefined && expectation.toLowerCase() !== '100-continue')
    throw new RefusedRequestError(417, 'The only expectation that is taken is 100-continue.')
  const hosts = valuesOf(rawHeaders, 'host')
  if (hosts.length > 1) throw new InvalidInputError('The request has more than one Host header.')
  if (hosts.length === 0 && request.httpVersion !== '1.0') throw new InvalidInputError('The request has no Host header.')
  if (hosts[0] !== undefined && !HOST.test(hosts[0])) throw new InvalidInputError('The Host header is no host with an optional port.')
  const codings = valuesOf(rawHeaders, 'transfer-encoding')
  if (codings.length > 0 && request.httpVersion === '1.0') throw new InvalidInputError('HTTP/1.0 has no Transfer-Encoding.')
  if (codings.length > 1 || (codings[0] ?? 'chunked').trim().toLowerCase() !== 'chunked')
    throw new RefusedRequestError(501, 'The only Transfer-Encoding that is taken is chunked.')
  if (codings.length > 0 && valuesOf(rawHeaders, 'content-length').length > 0)
    throw new InvalidInputError('The request has both Content-Length and Transfer-Encoding.')
}

function framingOf(request: IncomingMessage): Framing {
  if (request.headers['transfer-encoding'] !== undefined) return { kind: 'chunked' }
  const length = request.headers['content-length']
  return length === undefined ? { kind: 'none' } : { kind: 'length', bytes: Number(length) }
}

const TIMEOUT_MS = /^\d{1,9}$/

function timeoutOf(request: IncomingMessage): number | undefined {
  const text = request.headers['x-request-timeout-ms']
  if (text === undefined) return undefined
  if (typeof text === 'string' && TIMEOUT_MS.test(text)) return Number(text)
  throw new InvalidInputError('The header x-request-timeout-ms is no whole number of milliseconds.', [
    { field: 'x-request-timeout-ms', message: 'Expected a whole number of milliseconds' },
  ])
}
