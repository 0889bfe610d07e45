import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { type Clock, ConditionVariable, ConfigurationError, systemClock } from 'seaworthy/core'
import type { Route } from 'seaworthy/system'
import { ClientConnection } from './client-connection.ts'
import type { ConnectionHost } from './connection-host.ts'
import { HeadParser } from './head.ts'
import { defaultLimits, type HttpProxyLimits, tickMsFor } from './limits.ts'
import { TrustedProxies } from './origin.ts'
import { compileRoutes, type Router } from './router.ts'
import { TimerWheel } from './timer-wheel.ts'
import { UpstreamPool } from './upstream-pool.ts'

export interface HttpProxyOptions {
  readonly routes: readonly Route[]
  /** Base URLs by the service that routes name: `http://HOST:PORT`. */
  readonly upstreams: ReadonlyMap<string, URL>
  /** Addresses and networks of proxies before this one, whose X-Forwarded fields are continued. Default none: what a client says there is replaced. */
  readonly trustedProxies?: readonly string[]
  readonly limits?: Partial<HttpProxyLimits>
  readonly clock?: Clock
  /** Hears of a defect of the proxy; its client gets a 500, or a broken connection. */
  readonly onDefect?: (error: unknown) => void
}

export interface HttpProxy {
  /** @returns the port it listens on; 0 takes a free one. @throws ConfigurationError when it is taken */
  listen(port: number, host?: string): Promise<number>
  /** Takes no new connections, finishes what is in flight within `drainTimeoutMs`, and closes. A second call gets the same promise. */
  drain(): Promise<void>
}

// How long connections that are kept alive may bring one more request after the drain began.
const DRAIN_LINGER_MS = 100

/** @throws ConfigurationError when a route is malformed or leads nowhere, or an upstream is no plain HTTP */
export function createHttpProxy(options: HttpProxyOptions): HttpProxy {
  return new SocketProxy(options)
}

class SocketProxy implements HttpProxy, ConnectionHost {
  readonly limits: HttpProxyLimits
  readonly parser: HeadParser
  readonly wheel: TimerWheel
  readonly router: Router
  readonly trusted: TrustedProxies
  readonly pools: ReadonlyMap<string, UpstreamPool>
  readonly onDefect: (error: unknown) => void
  readonly #server: Server
  readonly #connections = new Set<ClientConnection>()
  readonly #changed: ConditionVariable
  #drained: Promise<void> | undefined

  constructor({ routes, upstreams, trustedProxies = [], limits, clock = systemClock, onDefect = () => {} }: HttpProxyOptions) {
    this.limits = { ...defaultLimits, ...limits }
    this.onDefect = onDefect
    this.parser = new HeadParser(this.limits)
    this.wheel = new TimerWheel({ clock, tickMs: tickMsFor(this.limits) })
    this.router = compileRoutes(routes)
    this.trusted = new TrustedProxies(trustedProxies)
    this.pools = new Map([...new Set(routes.map(({ service }) => service))].map((name) => [name, this.#poolOf(name, upstreams.get(name))]))
    this.#changed = new ConditionVariable(clock)
    this.#server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => this.#accept(socket))
    this.#server.maxConnections = this.limits.connectionsMax
  }

  get isDraining(): boolean {
    return this.#drained !== undefined
  }

  listen(port: number, host = '127.0.0.1'): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', (error: NodeJS.ErrnoException) => {
        reject(
          error.code === 'EADDRINUSE'
            ? new ConfigurationError(`Port ${port} on ${host} is taken. Stop what listens there, or choose another.`, { cause: error })
            : error,
        )
      })
      this.#server.listen(port, host, () => resolve((this.#server.address() as AddressInfo).port))
    })
  }

  drain(): Promise<void> {
    this.#drained ??= this.#drain()
    return this.#drained
  }

  onClosed(connection: ClientConnection): void {
    this.#connections.delete(connection)
    this.#changed.notify()
  }

  #accept(socket: Socket): void {
    this.#connections.add(new ClientConnection(socket, this))
  }

  async #drain(): Promise<void> {
    this.#server.close()
    const isIdle = () => this.#connections.size === 0
    await this.#changed.until(isIdle, DRAIN_LINGER_MS)
    for (const connection of this.#connections) connection.closeIfIdle()
    await this.#changed.until(isIdle, this.limits.drainTimeoutMs)
    for (const connection of this.#connections) connection.stop()
    await this.#changed.until(isIdle, DRAIN_LINGER_MS)
    for (const connection of this.#connections) connection.destroy()
    for (const pool of this.pools.values()) pool.close()
  }

  #poolOf(name: string, url: URL | undefined): UpstreamPool {
    if (url === undefined) throw new ConfigurationError(`Routes lead to ${name}, but there is no address of it.`)
    if (url.protocol !== 'http:' || url.pathname !== '/' || url.search !== '' || url.username !== '')
      throw new ConfigurationError(`Upstream ${name} is at ${url.href}; expected http://HOST:PORT.`)
    const { parser, wheel, limits, onDefect } = this
    return new UpstreamPool({ name, url, parser, wheel, limits, onDefect })
  }
}
