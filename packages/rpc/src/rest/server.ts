import { Server as NetServer, type Socket } from 'node:net'
import { fastify, type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { ConfigurationError, SeaworthyError, systemClock, UnavailableError } from 'seaworthy/core'
import { stderrLog, type ServerLog } from '../server-log.ts'
import { type ErrorAnswer, errorAnswer, EXECUTED_HEADER, HttpProtocolError, isInternal, PROBLEM_TYPE, titleOf } from './errors.ts'
import { Exchange } from './exchange.ts'
import { type HealthCheck, readinessOf } from './health.ts'

export interface HttpServerOptions {
  /** 0 takes a free port; `port` of the server then says which. */
  readonly port: number
  /** Default 127.0.0.1. */
  readonly host?: string
  /** Whether the process may receive work: a part of what `/readyz` answers. */
  readonly readiness?: () => boolean
  /** Further conditions of `/readyz`, by name. */
  readonly checks?: Readonly<Record<string, HealthCheck>>
  /** Largest request body in bytes. Default 1 MiB; more is answered 413. */
  readonly bodyBytesMax?: number
  /** How long a client may take to send a whole request, in milliseconds. Default 30,000. */
  readonly requestTimeoutMs?: number
  readonly logger?: ServerLog
}

export interface DrainOptions {
  /** How long requests in flight may take to finish, in milliseconds. Default 3,000; their connections are closed after that. */
  readonly timeoutMs?: number
  /** How long a connection that is kept alive may stay silent before it is closed, in milliseconds. Default 200. */
  readonly lingerMs?: number
}

/** An HTTP server with health checks, Problem Details, and a drain. Contracts are added by `serve`, before `start`. */
export interface HttpServer {
  /** For routes outside of any contract: pages, proxies, streams. Their errors are answered like all others. */
  readonly fastify: FastifyInstance
  /** The port it listens on; the wanted one before `start`. */
  readonly port: number
  /** `http://HOST:PORT`. */
  readonly url: string
  /** True once the drain began. */
  readonly draining: boolean
  /** @throws ConfigurationError when the port is taken */
  start(): Promise<void>
  /**
   * Stops without failing anybody: no new connections; new requests on open ones are answered 503 with
   * `x-seaworthy-executed: no`; those in flight are finished; then everything is closed. A second call gets the same promise.
   */
  drain(options?: DrainOptions): Promise<void>
}

const BODY_BYTES_MAX = 1_048_576
const REQUEST_TIMEOUT_MS = 30_000
const DRAIN_TIMEOUT_MS = 3_000
const DRAIN_LINGER_MS = 200
const ALL_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const

const exchanges = new WeakMap<object, Exchange>()

/** The exchange that a fastify request belongs to. */
export function exchangeOf(request: FastifyRequest): Exchange {
  const exchange = exchanges.get(request.raw)
  if (exchange === undefined) throw new ConfigurationError('This request did not come through a Seaworthy HTTP server.')
  return exchange
}

/** Makes an HTTP server on fastify. It listens after `start()`. */
export function httpServer(options: HttpServerOptions): HttpServer {
  return new FastifyServer(options)
}

class FastifyServer implements HttpServer {
  readonly fastify: FastifyInstance
  draining = false
  readonly #options: HttpServerOptions
  readonly #log: ServerLog
  readonly #host: string
  readonly #open = new Set<Exchange>()
  readonly #sockets = new Set<Socket>()
  readonly #methodsByPath = new Map<string, Set<string>>()
  #port: number
  #changed: () => void = () => {}
  #drained: Promise<void> | undefined

  constructor(options: HttpServerOptions) {
    this.#options = options
    this.#log = options.logger ?? stderrLog
    this.#host = options.host ?? '127.0.0.1'
    this.#port = options.port
    this.fastify = fastify({
      bodyLimit: options.bodyBytesMax ?? BODY_BYTES_MAX,
      requestTimeout: options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
      frameworkErrors: (error, request, reply) => this.#refuseUnrouted(error, request, reply),
      clientErrorHandler: (error, socket) => refuseMalformed(error, socket),
    })
    this.#prepare()
  }

  get port(): number {
    return this.#port
  }

  get url(): string {
    return `http://${this.#host.includes(':') ? `[${this.#host}]` : this.#host}:${this.#port}`
  }

  async start(): Promise<void> {
    this.#addMethodNotAllowed()
    try {
      await this.fastify.listen({ host: this.#host, port: this.#options.port })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
      throw new ConfigurationError(
        `Port ${this.#options.port} on ${this.#host} is taken. Stop what listens there, or choose another port.`,
        {
          cause: error,
        },
      )
    }
    const address = this.fastify.server.address()
    if (address !== null && typeof address === 'object') this.#port = address.port
  }

  drain(options: DrainOptions = {}): Promise<void> {
    this.#drained ??= this.#drain(options.timeoutMs ?? DRAIN_TIMEOUT_MS, options.lingerMs ?? DRAIN_LINGER_MS)
    return this.#drained
  }

  async #drain(timeoutMs: number, lingerMs: number): Promise<void> {
    this.draining = true
    const { server } = this.fastify
    // http.Server's own close() also closes idle connections at once, under requests that are on their way on them.
    if (server.listening) NetServer.prototype.close.call(server)
    await this.#until(() => this.#sockets.size === 0, lingerMs)
    server.closeIdleConnections()
    await this.#until(() => this.#open.size === 0, timeoutMs)
    if (this.#open.size > 0) {
      this.#log.warn({ requests: this.#open.size, timeoutMs }, 'The drain took too long: what is in flight is cut off.')
      const reason = new UnavailableError(`The server stops, and the request was not finished within ${timeoutMs} ms.`)
      for (const exchange of this.#open) exchange.abort(reason)
    }
    server.closeAllConnections()
    await this.fastify.close()
  }

  /** Settles when `condition` holds, at the latest after `limitMs`. */
  #until(condition: () => boolean, limitMs: number): Promise<void> {
    if (condition()) return Promise.resolve()
    return new Promise((resolve) => {
      const end = () => {
        timer.cancel()
        this.#changed = () => {}
        resolve()
      }
      const timer = systemClock.timer(limitMs, end)
      this.#changed = () => condition() && end()
    })
  }

  #prepare(): void {
    const app = this.fastify
    app.server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => {
        this.#sockets.delete(socket)
        this.#changed()
      })
    })
    app.removeContentTypeParser('text/plain')
    app.addHook('onRequest', (request, reply, done) => this.#onRequest(request, reply, done))
    app.addHook('preValidation', (request, _reply, done) => exchangeOf(request).enter(done))
    app.addHook('onSend', (_request, reply, _payload, done) => {
      // A connection that outlives the drain would carry a request to a closed door.
      if (this.draining) reply.header('connection', 'close')
      done()
    })
    app.addHook('onRoute', ({ url, method }) => {
      const methods = this.#methodsByPath.get(url) ?? new Set()
      for (const name of [method].flat()) methods.add(name)
      this.#methodsByPath.set(url, methods)
    })
    app.setErrorHandler((error: Error, request, reply) => {
      const exchange = exchangeOf(request)
      return exchange.enter(() => this.#answerError(error, reply, exchange))
    })
    app.setNotFoundHandler((request) => {
      throw unknownRoute(request)
    })
    app.get('/healthz', { config: QUIET }, () => ({ status: 'alive' }))
    app.get('/readyz', { config: QUIET }, async (_request, reply) => {
      const ready = !this.draining && (this.#options.readiness?.() ?? true)
      const readiness = await readinessOf(ready, this.#options.checks ?? {})
      return reply.code(readiness.status === 'ready' ? 200 : 503).send(readiness)
    })
  }

  #onRequest(request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void): void {
    const { url: pattern, config } = request.routeOptions
    const { quiet, allow, template } = config as RouteConfig
    const route = { method: request.method, template: request.is404 ? undefined : (template ?? pattern), observed: quiet !== true }
    this.#openExchange(request, reply, route, (error) => {
      if (this.draining && quiet !== true) done(drainingError())
      // Decided before the body is read: what it holds does not matter.
      else if (request.is404) done(unknownRoute(request))
      else if (allow !== undefined) done(methodNotAllowed(request, allow))
      else done(error)
    })
  }

  #openExchange(
    request: FastifyRequest,
    reply: FastifyReply,
    route: { method: string; template: string | undefined; observed: boolean },
    next: (error: Error | undefined) => void,
  ): void {
    let opened: Exchange | undefined
    const onEnd = () => {
      if (opened !== undefined) this.#open.delete(opened)
      this.#changed()
    }
    Exchange.open(request.raw, reply.raw, route, onEnd, (exchange, error) => {
      opened = exchange
      this.#open.add(exchange)
      exchanges.set(request.raw, exchange)
      next(error)
    })
  }

  #answerError(error: Error, reply: FastifyReply, exchange: Exchange): FastifyReply {
    const answer = errorAnswer(protocolError(error) ?? error, exchange.call.correlationId)
    if (isInternal(answer)) {
      this.#log.error(
        { err: error, correlationId: exchange.call.correlationId },
        `${reply.request.method} ${reply.request.url} failed: ${error.message}`,
      )
    }
    reply.code(answer.status).headers(answer.headers).type(PROBLEM_TYPE)
    exchange.failed(error instanceof SeaworthyError ? error.code : answer.problem.code)
    return reply.send(JSON.stringify(answer.problem))
  }

  /** Requests that fastify's router gives up on before any hook runs: a URL that cannot be decoded. */
  #refuseUnrouted(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
    this.#openExchange(request, reply, { method: request.method, template: undefined, observed: true }, () => {
      const refusal = this.draining
        ? drainingError()
        : new HttpProtocolError(error.code === 'FST_ERR_BAD_URL' ? 400 : 404, 'The URL is not valid.', { cause: error })
      if (this.draining) reply.header('connection', 'close')
      void this.#answerError(refusal, reply, exchangeOf(request))
    })
  }

  /** For every path, the methods that it does not have are answered 405 with Allow. */
  #addMethodNotAllowed(): void {
    for (const [url, methods] of this.#methodsByPath) {
      const missing = ALL_METHODS.filter((method) => !methods.has(method))
      if (missing.length === 0 || url.includes('*')) continue
      this.fastify.route({
        method: missing,
        url,
        exposeHeadRoute: false,
        config: { allow: [...methods].toSorted().join(', ') } satisfies RouteConfig,
        handler: () => {},
      })
    }
  }
}

/** What a route says about itself to the hooks. */
export interface RouteConfig {
  /** The path as the contract writes it. */
  readonly template?: string
  /** Neither traced nor drained: health checks. */
  readonly quiet?: boolean
  /** Set on routes that exist only to be answered 405. */
  readonly allow?: string
}

const QUIET: RouteConfig = { quiet: true }

const drainingError = () =>
  new UnavailableError('The server is draining and takes no new requests. Ask another instance, or this one once it is back.')

const unknownRoute = (request: FastifyRequest) => new HttpProtocolError(404, `There is no ${request.method} ${pathOf(request)}.`)

const methodNotAllowed = (request: FastifyRequest, allow: string) =>
  new HttpProtocolError(405, `${pathOf(request)} has no method ${request.method}. It has ${allow}.`, { headers: { allow } })

function pathOf(request: FastifyRequest): string {
  const path = request.url.split('?', 1)[0]!
  return path.length > 200 ? `${path.slice(0, 200)}…` : path
}

/** What fastify says about a request that it could not read, in the caller's terms. */
function protocolError(error: Error & { code?: unknown; statusCode?: number }): HttpProtocolError | undefined {
  if (error instanceof SeaworthyError || typeof error.code !== 'string' || !error.code.startsWith('FST_')) {
    // JSON.parse and its guard against prototype pollution throw plain errors, to which fastify adds the status.
    return error instanceof SyntaxError && error.statusCode === 400
      ? new HttpProtocolError(400, 'The body is not valid JSON.', { cause: error })
      : undefined
  }
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new HttpProtocolError(413, 'The body is larger than this server takes.', { headers: { connection: 'close' }, cause: error })
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new HttpProtocolError(415, 'The body has to be JSON, with content-type application/json.', { cause: error })
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
      return new HttpProtocolError(400, 'The body is not valid JSON.', { cause: error })
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
      return new HttpProtocolError(400, 'The body is empty, but content-type promises JSON.', { cause: error })
    default: {
      const status = error.statusCode ?? 500
      return status >= 400 && status < 500 ? new HttpProtocolError(status, 'The request cannot be read.', { cause: error }) : undefined
    }
  }
}

/** Bytes that are no HTTP request have no exchange; they get their answer straight on the socket. */
function refuseMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy()
    return
  }
  const status = error.code === 'HPE_HEADER_OVERFLOW' ? 431 : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400
  const answer: ErrorAnswer = errorAnswer(new HttpProtocolError(status, 'The bytes received are no complete HTTP request.'))
  const body = JSON.stringify(answer.problem)
  socket.end(
    `HTTP/1.1 ${status} ${titleOf(status)}\r\ncontent-type: ${PROBLEM_TYPE}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n` +
      `${EXECUTED_HEADER}: no\r\nconnection: close\r\n\r\n${body}`,
  )
}
