import type { Socket } from 'node:net'
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { ConfigurationError, SeaworthyError } from 'seaworthy/core'
import { type ServerLog, stderrLog } from '../server-log.ts'
import { type DrainOptions, Intake } from './drain.ts'
import { type ErrorAnswer, errorAnswer, isInternal, PROBLEM_TYPE } from 'seaworthy/http'
import { Exchange, type Route } from './exchange.ts'
import { type HealthCheck, readinessOf } from './health.ts'
import { draining, encoded, malformedAnswer, methodNotAllowed, pathOf, unknownRoute, unreadable } from './refusals.ts'

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

/** What a route says about itself to the server, in fastify's `config`. */
export interface RouteConfig {
  /** The path as the contract writes it. */
  readonly template?: string
  /** Neither traced nor drained: health checks. */
  readonly quiet?: boolean
  /** Set on routes that exist only to be answered 405. */
  readonly allow?: string
}

const BODY_BYTES_MAX = 1_048_576
const REQUEST_TIMEOUT_MS = 30_000
const QUIET: RouteConfig = { quiet: true }
const ALL_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const

const exchanges = new WeakMap<object, Exchange>()

/** The exchange that a fastify request belongs to. */
export function exchangeOf(request: FastifyRequest): Exchange {
  const exchange = exchanges.get(request.raw)
  if (exchange === undefined) throw new ConfigurationError('This request did not come through a Seaworthy HTTP server.')
  return exchange
}

/** Bodies are read as they come. */
function isEncoded({ headers }: FastifyRequest): boolean {
  const encoding = headers['content-encoding']
  return encoding !== undefined && encoding.trim().toLowerCase() !== 'identity'
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
  readonly #intake: Intake
  readonly #methodsByPath = new Map<string, Set<string>>()
  #port: number
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
      clientErrorHandler: (error, socket) => this.#refuseMalformed(error, socket),
    })
    this.#intake = new Intake(this.fastify.server)
    this.#addHooks()
    this.#addHealthChecks()
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
      const message = `Port ${this.#options.port} on ${this.#host} is taken. Stop what listens there, or choose another port.`
      throw new ConfigurationError(message, { cause: error })
    }
    const address = this.fastify.server.address()
    if (address !== null && typeof address === 'object') this.#port = address.port
  }

  drain(options: DrainOptions = {}): Promise<void> {
    this.draining = true
    this.#drained ??= this.#intake.drain(options, this.#log).then(() => this.fastify.close())
    return this.#drained
  }

  #addHooks(): void {
    const app = this.fastify
    app.removeContentTypeParser('text/plain')
    app.addHook('onRequest', (request, reply, done) => this.#onRequest(request, reply, done))
    app.addHook('onSend', (_request, reply, _payload, done) => {
      // A connection that outlives the drain would carry a request to a closed door.
      if (this.#intake.refusing) reply.header('connection', 'close')
      done()
    })
    app.addHook('onRoute', ({ url, method }) => {
      const methods = this.#methodsByPath.get(url) ?? new Set()
      for (const name of [method].flat()) methods.add(name)
      this.#methodsByPath.set(url, methods)
    })
    app.setErrorHandler((error: Error, request, reply) => this.#answerError(error, reply, exchangeOf(request)))
    app.setNotFoundHandler((request) => {
      throw unknownRoute(request)
    })
  }

  #addHealthChecks(): void {
    this.fastify.get('/healthz', { config: QUIET }, () => ({ status: 'alive' }))
    this.fastify.get('/readyz', { config: QUIET }, async (_request, reply) => {
      const ready = !this.draining && (this.#options.readiness?.() ?? true)
      const readiness = await readinessOf(ready, this.#options.checks ?? {})
      return reply.code(readiness.status === 'ready' ? 200 : 503).send(readiness)
    })
  }

  /** For every path, the methods that it does not have are answered 405 with Allow. */
  #addMethodNotAllowed(): void {
    for (const [url, methods] of this.#methodsByPath) {
      const missing = ALL_METHODS.filter((method) => !methods.has(method))
      if (missing.length === 0 || url.includes('*')) continue
      const config: RouteConfig = { allow: [...methods].toSorted().join(', ') }
      this.fastify.route({ method: missing, url, exposeHeadRoute: false, config, handler: () => {} })
    }
  }

  #onRequest(request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void): void {
    const { url: pattern, config } = request.routeOptions
    const { quiet = false, allow, template = pattern } = config as RouteConfig
    const route: Route = { method: request.method, template: request.is404 ? undefined : template, observed: !quiet }
    this.#open(request, reply, route, (error) => {
      if (this.#intake.refusing && !quiet) done(draining())
      // Decided before the body is read: what it holds does not matter.
      else if (request.is404) done(unknownRoute(request))
      else if (allow !== undefined) done(methodNotAllowed(request, allow))
      else if (isEncoded(request)) done(encoded())
      else done(error)
    })
  }

  #open(request: FastifyRequest, reply: FastifyReply, route: Route, next: (error: Error | undefined) => void): void {
    Exchange.open(
      request.raw,
      reply.raw,
      route,
      (exchange) => this.#intake.ended(exchange),
      (exchange, error) => {
        this.#intake.opened(exchange)
        exchanges.set(request.raw, exchange)
        next(error)
      },
    )
  }

  #answerError(error: Error, reply: FastifyReply, exchange: Exchange): FastifyReply {
    const answer = errorAnswer(unreadable(error) ?? error, exchange.call.correlationId)
    this.#report(error, answer, exchange, reply.request)
    reply.code(answer.status).headers(answer.headers).type(PROBLEM_TYPE)
    exchange.failed(error instanceof SeaworthyError ? error.code : answer.problem.code)
    return reply.send(JSON.stringify(answer.problem))
  }

  /** What the answer does not tell, the log must. Nobody waits for the answer to a client that left. */
  #report(error: Error, answer: ErrorAnswer, { call }: Exchange, request: FastifyRequest): void {
    const fields = { err: error, correlationId: call.correlationId }
    const message = `${request.method} ${pathOf(request)} answered ${answer.status}: ${error.message}`
    if (isInternal(answer)) {
      if (call.signal?.aborted !== true) this.#log.error(fields, message)
    } else if (answer.status >= 500 && (error.cause !== undefined || answer.problem.detail !== error.message))
      this.#log.warn(fields, message)
  }

  /** Requests that fastify's router gives up on before any hook runs: a URL that cannot be decoded. */
  #refuseUnrouted(error: Error, request: FastifyRequest, reply: FastifyReply): void {
    this.#open(request, reply, { method: request.method, template: undefined, observed: true }, () => {
      if (this.#intake.refusing) reply.header('connection', 'close')
      void this.#answerError(this.#intake.refusing ? draining() : error, reply, exchangeOf(request))
    })
  }

  /** Bytes that are no HTTP request never reach fastify; they get their answer straight on the socket. */
  #refuseMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
    // An answer that is under way, or due to an earlier request, must not be mixed up with this one.
    const mixedUp = [...this.#intake.exchanges].some((exchange) => exchange.socket === socket && exchange.isAnswerable)
    if (mixedUp || !socket.writable || error.code === 'ECONNRESET') socket.destroy()
    else socket.end(malformedAnswer(error))
  }
}
