import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { ConditionVariable, ConfigurationError } from 'seaworthy/core'
import { ClientConnection } from './client-connection.ts'
import type { ConnectionHost } from './connection-host.ts'
import type { Destinations } from './destination.ts'
import { TrustedProxies } from './origin.ts'
import type { ProxyParts } from './proxy-parts.ts'
import type { RequestEnd } from './request-end.ts'

export interface ProxyServerOptions {
  readonly parts: ProxyParts
  readonly destinations: Destinations
  readonly trustedProxies?: readonly string[]
  /** Hears what became of each request. Called on the way of the next one. */
  readonly onRequestEnd?: (end: RequestEnd) => void
  /** The drain takes too long: so many connections are cut off. */
  readonly onCutOff?: (connections: number) => void
  /** Called once when no connection of a client is left. */
  readonly onDrained?: () => void
}

export interface HttpProxy {
  /** @returns the port it listens on; 0 takes a free one. @throws ConfigurationError when it is taken */
  listen(port: number, host?: string): Promise<number>
  /** Takes no new connections, finishes what is in flight within `drainTimeoutMs`, and closes. A second call gets the same promise. */
  drain(): Promise<void>
}

// How long connections that are kept alive may bring one more request after the drain began.
const DRAIN_LINGER_MS = 100

/** A proxy that asks for each request where it goes. */
export function createProxyServer(options: ProxyServerOptions): HttpProxy {
  return new ProxyServer(options)
}

class ProxyServer implements HttpProxy {
  readonly #options: ProxyServerOptions
  readonly #host: ConnectionHost
  readonly #server: Server
  readonly #connections = new Set<ClientConnection>()
  readonly #changed: ConditionVariable
  #drained: Promise<void> | undefined

  constructor(options: ProxyServerOptions) {
    const { parts, destinations, trustedProxies = [], onRequestEnd } = options
    this.#options = options
    this.#changed = new ConditionVariable(parts.clock)
    const isDraining = () => this.#drained !== undefined
    this.#host = {
      ...parts,
      destinations,
      trusted: new TrustedProxies(trustedProxies),
      onRequestEnd,
      get isDraining() {
        return isDraining()
      },
      onClosed: (connection) => {
        this.#connections.delete(connection)
        this.#changed.notify()
      },
    }
    this.#server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => this.#accept(socket))
    this.#server.maxConnections = parts.limits.connectionsMax
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

  #accept(socket: Socket): void {
    this.#connections.add(new ClientConnection(socket, this.#host))
  }

  async #drain(): Promise<void> {
    const { parts, onCutOff, onDrained } = this.#options
    this.#server.close()
    const isIdle = () => this.#connections.size === 0
    await this.#changed.until(isIdle, DRAIN_LINGER_MS)
    for (const connection of this.#connections) connection.closeIfIdle()
    if (!(await this.#changed.until(isIdle, parts.limits.drainTimeoutMs))) onCutOff?.(this.#connections.size)
    for (const connection of this.#connections) connection.stop()
    await this.#changed.until(isIdle, DRAIN_LINGER_MS)
    for (const connection of this.#connections) connection.destroy()
    onDrained?.()
  }
}
