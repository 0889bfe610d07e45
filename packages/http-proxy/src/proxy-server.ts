import type { AddressInfo, Socket } from 'node:net'
import { ConditionVariable, ConfigurationError } from 'seaworthy/core'
import { ClientConnection } from './client-connection.ts'
import type { ConnectionHost, ServedConnection } from './connection-host.ts'
import type { Destinations } from './destination.ts'
import { Http2Connection } from './http2/http2-connection.ts'
import { TrustedProxies } from './origin.ts'
import type { ProxyParts } from './proxy-parts.ts'
import type { RequestEnd } from './request-end.ts'
import type { Certificate } from './tls/certificates.ts'
import { Tunnels } from './tunnels.ts'
import { type Listener, plainListener, tlsListener } from './tls/listener.ts'

export interface ProxyServerOptions {
  readonly parts: ProxyParts
  readonly destinations: Destinations
  readonly trustedProxies?: readonly string[]
  /** Clients are served over TLS alone. The first certificate is for those that ask for no name, or for one that no other is for. */
  readonly tls?: { readonly certificates: readonly Certificate[] }
  /**
   * Other processes that say the same may listen on the same port, and the kernel spreads new connections over them: a process on each core. Where the system
   * cannot do that (macOS, Windows), {@link HttpProxy.listen} says so. Default false.
   */
  readonly reusePort?: boolean
  /** Hears what became of each request. Called on the way of the next one. */
  readonly onRequestEnd?: (end: RequestEnd) => void
  /** The drain takes too long: so many connections are cut off. */
  readonly onCutOff?: (connections: number) => void
  /** Called once when no connection of a client is left. */
  readonly onDrained?: () => void
}

export interface HttpProxy {
  /** @returns the port it listens on; 0 takes a free one. @throws ConfigurationError when it is taken, or cannot be shared here */
  listen(port: number, host?: string): Promise<number>
  /** Shows other certificates from the next handshake on; connections that are open go on. @throws ConfigurationError, and then nothing has changed */
  useCertificates(certificates: readonly Certificate[]): void
  /** Takes no new connections, finishes what is in flight within `drainTimeoutMs`, and closes. A second call gets the same promise. */
  drain(): Promise<void>
}

// How long connections that are kept alive may bring one more request after the drain began.
const DRAIN_LINGER_MS = 100

/** A proxy that asks for each request where it goes. @throws ConfigurationError when a certificate is none */
export function createProxyServer(options: ProxyServerOptions): HttpProxy {
  return new ProxyServer(options)
}

class ProxyServer implements HttpProxy {
  readonly #options: ProxyServerOptions
  readonly #host: ConnectionHost
  readonly #listener: Listener
  readonly #connections = new Set<ServedConnection>()
  readonly #changed: ConditionVariable
  #drained: Promise<void> | undefined
  #isStopped = false

  constructor(options: ProxyServerOptions) {
    const { parts, destinations, trustedProxies = [], tls, onRequestEnd } = options
    this.#options = options
    this.#changed = new ConditionVariable(parts.clock)
    const isDraining = () => this.#drained !== undefined
    this.#host = {
      ...parts,
      destinations,
      trusted: new TrustedProxies(trustedProxies),
      onRequestEnd,
      tunnels: new Tunnels(parts.limits.tunnelsMax),
      get isDraining() {
        return isDraining()
      },
      onHttp2: (connection, socket, begun) => {
        this.#connections.delete(connection)
        this.#connections.add(new Http2Connection(socket, this.#host, begun))
      },
      onClosed: (connection) => {
        this.#connections.delete(connection)
        this.#changed.notify()
      },
    }
    const listening = {
      limits: parts.limits,
      onConnection: (socket: Socket, protocol: string | undefined) => this.#accept(socket, protocol),
    }
    this.#listener = tls === undefined ? plainListener(listening) : tlsListener(tls.certificates, listening)
    this.#listener.server.maxConnections = parts.limits.connectionsMax
  }

  listen(port: number, host = '127.0.0.1'): Promise<number> {
    const { server } = this.#listener
    const { reusePort = false } = this.#options
    return new Promise((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) => reject(whyNotListening(error, { port, host, reusePort })))
      server.listen({ port, host, reusePort }, () => resolve((server.address() as AddressInfo).port))
    })
  }

  useCertificates(certificates: readonly Certificate[]): void {
    this.#listener.useCertificates(certificates)
  }

  drain(): Promise<void> {
    this.#drained ??= this.#drain()
    return this.#drained
  }

  #accept(socket: Socket, protocol: string | undefined): void {
    // Its handshake outlasted the drain.
    if (this.#isStopped) {
      socket.destroy()
      return
    }
    this.#connections.add(protocol === 'h2' ? new Http2Connection(socket, this.#host) : new ClientConnection(socket, this.#host))
  }

  async #drain(): Promise<void> {
    const { parts, onCutOff, onDrained } = this.#options
    this.#listener.server.close()
    for (const connection of this.#connections) connection.onDraining?.()
    const isIdle = () => this.#connections.size === 0
    await this.#changed.until(isIdle, DRAIN_LINGER_MS)
    for (const connection of this.#connections) connection.closeIfIdle()
    if (!(await this.#changed.until(isIdle, parts.limits.drainTimeoutMs))) onCutOff?.(this.#connections.size)
    for (const connection of this.#connections) connection.stop()
    await this.#changed.until(isIdle, DRAIN_LINGER_MS)
    this.#isStopped = true
    for (const connection of this.#connections) connection.destroy()
    onDrained?.()
  }
}

interface Place {
  readonly port: number
  readonly host: string
  readonly reusePort: boolean
}

function whyNotListening(cause: NodeJS.ErrnoException, { port, host, reusePort }: Place): Error {
  if (cause.code === 'EADDRINUSE') {
    const all = reusePort ? ', or start everything that listens there with reusePort' : ''
    return new ConfigurationError(`Port ${port} on ${host} is taken. Stop what listens there, or choose another${all}.`, { cause })
  }
  if (reusePort && (cause.code === 'ENOTSUP' || cause.code === 'EINVAL'))
    return new ConfigurationError(`This system spreads no connections over several processes: listen on port ${port} without reusePort.`, {
      cause,
    })
  return cause
}
