import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, Server as NetServer, type Socket } from 'node:net'
import { compileRoutes, rawProblem, RefusedRequestError } from '@seaworthy/http-proxy'
import { type Clock, ConditionVariable, ConfigurationError, newId, systemClock } from 'seaworthy/core'
import type { Route } from 'seaworthy/system'
import { defaultLimits, type GatewayLimits } from './limits.ts'
import type { GatewayLog } from './log.ts'
import { Proxy } from './proxy.ts'
import { Upstream } from './upstream.ts'

export interface GatewayOptions {
  readonly routes: readonly Route[]
  /** Base URLs of the instances, by service. */
  readonly upstreams: ReadonlyMap<string, readonly URL[]>
  readonly log: GatewayLog
  readonly limits?: Partial<GatewayLimits>
  readonly clock?: Clock
}

export interface Gateway {
  /** @returns the port it listens on. @throws ConfigurationError when it is taken */
  listen(port: number): Promise<number>
  /**
   * Parks new requests to an upstream, or to that of its instances which is at `url`: then the others get them. Resolves when those in flight have finished,
   * to false if the hold was released before. An upstream that no route leads to gets no requests to park.
   */
  hold(upstream: string, id: string, url?: string): Promise<boolean>
  release(upstream: string, id: string): void
  /** Takes no new connections, finishes what is in flight, and closes. A second call gets the same promise. */
  drain(): Promise<void>
}

/** How long connections that are kept alive may bring one more request after the drain began. */
const DRAIN_LINGER_MS = 100

/** The gateway's data plane. @throws ConfigurationError when a route is malformed or leads nowhere */
export function createGateway(options: GatewayOptions): Gateway {
  return new HttpGateway(options)
}

class HttpGateway implements Gateway {
  readonly #limits: GatewayLimits
  readonly #log: GatewayLog
  readonly #clock: Clock
  readonly #upstreams: ReadonlyMap<string, Upstream>
  readonly #proxy: Proxy
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #changed: ConditionVariable
  #drained: Promise<void> | undefined

  constructor(options: GatewayOptions) {
    const { routes, log, clock = systemClock } = options
    const limits = { ...defaultLimits, ...options.limits }
    this.#limits = limits
    this.#log = log
    this.#clock = clock
    this.#changed = new ConditionVariable(clock)
    const router = compileRoutes(routes)
    this.#upstreams = new Map(
      [...new Set(routes.map(({ service }) => service))].map((name) => {
        const urls = options.upstreams.get(name) ?? []
        if (urls.length === 0) throw new ConfigurationError(`Routes lead to ${name}, but there is no address of it.`)
        return [name, new Upstream({ name, urls, limits, clock })]
      }),
    )
    this.#proxy = new Proxy({ router, upstreams: this.#upstreams, limits, log, clock })
    this.#server = this.#createServer()
  }

  listen(port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', (error: NodeJS.ErrnoException) => {
        reject(
          error.code === 'EADDRINUSE'
            ? new ConfigurationError(
                `Port ${port} on 127.0.0.1 is taken. Stop what listens there, or choose another by --gateway-port or SEAWORTHY_GATEWAY_PORT.`,
                { cause: error },
              )
            : error,
        )
      })
      this.#server.listen(port, '127.0.0.1', () => resolve((this.#server.address() as AddressInfo).port))
    })
  }

  async hold(upstream: string, id: string, url?: string): Promise<boolean> {
    const onExpiry = () => this.#log.warn({ upstream, id }, 'a hold was not released in time and has ended by itself')
    return (await this.#upstreams.get(upstream)?.hold(id, { onExpiry, url })) ?? true
  }

  release(upstream: string, id: string): void {
    this.#upstreams.get(upstream)?.release(id)
  }

  drain(): Promise<void> {
    this.#drained ??= this.#drain()
    return this.#drained
  }

  async #drain(): Promise<void> {
    this.#proxy.closeAfterAnswers()
    // http.Server's own close() also closes idle connections at once, under requests that are on their way on them.
    if (this.#server.listening) NetServer.prototype.close.call(this.#server)
    await this.#changed.until(() => this.#sockets.size === 0, DRAIN_LINGER_MS)
    this.#server.closeIdleConnections()
    await this.#changed.until(() => this.#proxy.open === 0, this.#limits.drainTimeoutMs)
    if (this.#proxy.open > 0) {
      this.#log.warn({ requests: this.#proxy.open }, 'the drain took too long: what is in flight is cut off')
      this.#proxy.stopAll()
      await this.#changed.until(() => this.#proxy.open === 0, DRAIN_LINGER_MS)
    }
    this.#server.closeAllConnections()
    for (const upstream of this.#upstreams.values()) upstream.close()
    this.#server.close()
  }

  #createServer(): Server {
    const limits = this.#limits
    const begin = (request: IncomingMessage, response: ServerResponse, expectsContinue: boolean) => {
      this.#proxy.handle(request, response, expectsContinue).catch((error: unknown) => {
        this.#log.error({ err: error }, 'the gateway failed')
        response.destroy()
      })
    }
    const newest = new WeakMap<Socket, ServerResponse>()
    const handle = (request: IncomingMessage, response: ServerResponse, expectsContinue: boolean) => {
      const previous = newest.get(request.socket)
      newest.set(request.socket, response)
      // Answers on one connection go out in the order of its requests (RFC 9112, section 9.3.2), so a later one gains nothing by beginning early, and a
      // client that sends a thousand at once would have a thousand at work.
      if (previous === undefined || previous.closed) begin(request, response, expectsContinue)
      else {
        previous.once('close', () => {
          if (!request.socket.destroyed) begin(request, response, expectsContinue)
        })
      }
      response.once('close', () => this.#changed.notify())
    }
    const server = createServer(
      {
        maxHeaderSize: limits.headerBytesMax,
        headersTimeout: limits.headersTimeoutMs,
        requestTimeout: limits.requestTimeoutMs,
        keepAliveTimeout: limits.keepAliveTimeoutMs,
        connectionsCheckingInterval: Math.min(1_000, limits.headersTimeoutMs),
        // Checked by the proxy, which answers with Problem Details.
        requireHostHeader: false,
        insecureHTTPParser: false,
        noDelay: true,
      },
      (request, response) => handle(request, response, false),
    )
    // Node drops the headers beyond its limit without a word. One more than are taken, so that the proxy sees that there are too many.
    server.maxHeadersCount = limits.headersMax + 1
    server.timeout = limits.silenceTimeoutMs
    server.maxConnections = limits.connectionsMax
    server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => handle(request, response, true))
    // Any other expectation, which the proxy refuses.
    server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => handle(request, response, true))
    server.on('connect', (_request: IncomingMessage, socket: Socket) => this.#refuse(socket, 405, 'This gateway opens no tunnels.'))
    server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => this.#refuseMalformed(error, socket))
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => {
        this.#sockets.delete(socket)
        this.#changed.notify()
      })
    })
    return server
  }

  /** Bytes that are no HTTP request, or not in time, get their answer straight on the socket. */
  #refuseMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
    const status = error.code === 'HPE_HEADER_OVERFLOW' ? 431 : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400
    const message = status === 408 ? 'The request did not arrive in time.' : 'The bytes received are no HTTP request.'
    if (!socket.writable || error.code === 'ECONNRESET') socket.destroy()
    else if (!this.#proxy.isBusy(socket)) this.#refuse(socket, status, message)
    else this.#proxy.refuse(socket, status, message)
  }

  #refuse(socket: Socket, status: number, message: string): void {
    socket.end(rawProblem(new RefusedRequestError(status, message), { correlationId: newId() }))
    // A client that never closes its side must not keep the connection.
    const timer = this.#clock.timer(this.#limits.lingerMs, () => socket.destroy(), { keepAlive: false })
    socket.once('close', () => timer.cancel())
  }
}
