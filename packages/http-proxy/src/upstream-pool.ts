import { ConfigurationError, LimitExceededError, TimeoutError } from 'seaworthy/core'
import type { HeadParser } from './head.ts'
import type { HttpProxyLimits } from './limits.ts'
import type { ProxyParts } from './proxy-parts.ts'
import type { TimerWheel, WheelTimer } from './timer-wheel.ts'
import { type ConnectionHome, UpstreamConnection } from './upstream-connection.ts'

/** Somebody who needs a connection. */
export interface Applicant {
  onConnection(connection: UpstreamConnection): void
  onNoConnection(error: Error): void
}

export interface UpstreamPoolOptions extends ProxyParts {
  readonly name: string
  readonly url: URL
  /** Whether the upstream gets the client's Host instead of its own address: see {@link UpstreamPool.hostFor}. Default false. */
  readonly preserveHost?: boolean
}

/** The connections to one upstream: so many at most, the last that became free used first, and a bounded queue for them. */
export class UpstreamPool implements ConnectionHome {
  readonly name: string
  readonly host: string
  readonly port: number
  readonly authority: string
  readonly parser: HeadParser
  readonly wheel: TimerWheel
  readonly limits: HttpProxyLimits
  readonly onDefect: (error: unknown) => void
  readonly #preserveHost: boolean
  readonly #connections = new Set<UpstreamConnection>()
  readonly #tunnels = new Set<UpstreamConnection>()
  #keepsConnections = true
  readonly #idle: UpstreamConnection[] = []
  readonly #queue = new Map<Applicant, WheelTimer>()

  /** @throws ConfigurationError when the URL is no plain HTTP */
  constructor({ name, url, preserveHost = false, parser, wheel, limits, onDefect }: UpstreamPoolOptions) {
    if (url.protocol !== 'http:' || url.pathname !== '/' || url.search !== '' || url.username !== '')
      throw new ConfigurationError(`Upstream ${name} is at ${url.href}; expected http://HOST:PORT.`)
    this.name = name
    // In a URL an IPv6 address stands in brackets, in an address it does not.
    this.host = url.hostname.replace(/^\[(.*)\]$/, '$1')
    this.port = Number(url.port || 80)
    this.authority = url.host
    this.#preserveHost = preserveHost
    this.parser = parser
    this.wheel = wheel
    this.limits = limits
    this.onDefect = onDefect
  }

  /**
   * What the Host field says. An application that makes absolute addresses of its Host, or compares them with it (redirects, WebDAV's Destination, the
   * origin of a form), must get the client's; one among several on an address is found by that address.
   */
  hostFor({ host }: { readonly host: string | undefined }): string {
    return this.#preserveHost && host !== undefined ? host : this.authority
  }

  /** Gives the applicant a connection: at once, if one is free or may be opened. `isFresh` wants one that has not served yet. */
  acquire(applicant: Applicant, { isFresh = false } = {}): void {
    const { name, limits } = this
    const idle = isFresh ? undefined : this.#idle.pop()
    if (idle !== undefined) applicant.onConnection(idle)
    else if (this.#connections.size < limits.upstreamConnectionsMax) applicant.onConnection(this.#open())
    else if (this.#queue.size >= limits.queueMax) {
      applicant.onNoConnection(
        new LimitExceededError(
          `All ${limits.upstreamConnectionsMax} connections to ${name} are busy, and ${limits.queueMax} requests queue (queueMax).`,
          {
            retryAfterMs: 1_000,
          },
        ),
      )
    } else this.#enqueue(applicant)
  }

  /** Forgets an applicant that has not got a connection yet. */
  withdraw(applicant: Applicant): void {
    this.#queue.get(applicant)?.release()
    this.#queue.delete(applicant)
  }

  /** Closes every connection, also under requests in flight, and tunnels. */
  close(): void {
    for (const connection of this.#connections) connection.abandon()
    for (const connection of this.#tunnels) connection.abandon()
  }

  /** Whether connections are kept for the next request. If not, those that are free are closed, and the others when they are: what they lead to is about to end. */
  keepConnections(isKept: boolean): void {
    this.#keepsConnections = isKept
    if (isKept) return
    for (const connection of this.#idle.splice(0)) connection.abandon()
  }

  onFree(connection: UpstreamConnection): void {
    connection.rest()
    const next = this.#dequeue()
    if (next !== undefined) next.onConnection(connection)
    else if (this.#keepsConnections) this.#idle.push(connection)
    else connection.abandon()
  }

  /** It serves no more requests, and takes no place among the connections that do. */
  onTunnel(connection: UpstreamConnection): void {
    this.#connections.delete(connection)
    this.#tunnels.add(connection)
    const next = this.#dequeue()
    if (next !== undefined) this.acquire(next)
  }

  onClosed(connection: UpstreamConnection): void {
    if (this.#tunnels.delete(connection)) return
    this.#connections.delete(connection)
    const index = this.#idle.indexOf(connection)
    if (index !== -1) this.#idle.splice(index, 1)
    const next = this.#dequeue()
    if (next !== undefined) this.acquire(next)
  }

  #open(): UpstreamConnection {
    const connection = new UpstreamConnection(this)
    this.#connections.add(connection)
    return connection
  }

  #enqueue(applicant: Applicant): void {
    const { queueTimeoutMs } = this.limits
    const timer = this.wheel.timer(() => {
      this.withdraw(applicant)
      applicant.onNoConnection(
        new TimeoutError(`No connection to ${this.name} became free within ${queueTimeoutMs} ms.`, queueTimeoutMs, { executed: 'no' }),
      )
    })
    timer.set(queueTimeoutMs)
    this.#queue.set(applicant, timer)
  }

  #dequeue(): Applicant | undefined {
    const [next] = this.#queue.keys()
    if (next !== undefined) this.withdraw(next)
    return next
  }
}
