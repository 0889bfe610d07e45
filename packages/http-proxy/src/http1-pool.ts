import { ApplicantQueue, type Applicant } from './applicant-queue.ts'
import type { UpstreamAddress } from './upstream-address.ts'
import type { HeadParser } from './head.ts'
import type { HttpProxyLimits } from './limits.ts'
import type { ProxyParts } from './proxy-parts.ts'
import type { TimerWheel } from './timer-wheel.ts'
import { type ConnectionHome, UpstreamConnection } from './upstream-connection.ts'
import type { UpstreamPool } from './upstream-pool.ts'

/** The connections to one upstream that speaks HTTP/1.1: so many at most, the last that became free used first, and a bounded queue for them. */
export class Http1Pool implements UpstreamPool, ConnectionHome {
  readonly address: UpstreamAddress
  readonly parser: HeadParser
  readonly wheel: TimerWheel
  readonly limits: HttpProxyLimits
  readonly onDefect: (error: unknown) => void
  readonly #connections = new Set<UpstreamConnection>()
  readonly #tunnels = new Set<UpstreamConnection>()
  readonly #queue: ApplicantQueue
  #keepsConnections = true
  readonly #idle: UpstreamConnection[] = []

  constructor(address: UpstreamAddress, { parser, wheel, limits, onDefect }: ProxyParts) {
    this.address = address
    this.parser = parser
    this.wheel = wheel
    this.limits = limits
    this.onDefect = onDefect
    this.#queue = new ApplicantQueue({ name: address.name, places: `${limits.upstreamConnectionsMax} connections`, limits, wheel })
  }

  acquire(applicant: Applicant, { isFresh = false } = {}): void {
    const idle = isFresh ? undefined : this.#idle.pop()
    if (idle !== undefined) applicant.onLink(idle)
    else if (this.#connections.size < this.limits.upstreamConnectionsMax) applicant.onLink(this.#open())
    else this.#queue.add(applicant)
  }

  withdraw(applicant: Applicant): void {
    this.#queue.withdraw(applicant)
  }

  close(): void {
    for (const connection of this.#connections) connection.abandon()
    for (const connection of this.#tunnels) connection.abandon()
  }

  keepConnections(isKept: boolean): void {
    this.#keepsConnections = isKept
    if (isKept) return
    for (const connection of this.#idle.splice(0)) connection.abandon()
  }

  onFree(connection: UpstreamConnection): void {
    connection.rest()
    const next = this.#queue.next()
    if (next !== undefined) next.onLink(connection)
    else if (this.#keepsConnections) this.#idle.push(connection)
    else connection.abandon()
  }

  /** It serves no more requests, and takes no place among the connections that do. */
  onTunnel(connection: UpstreamConnection): void {
    this.#connections.delete(connection)
    this.#tunnels.add(connection)
    const next = this.#queue.next()
    if (next !== undefined) this.acquire(next)
  }

  onClosed(connection: UpstreamConnection): void {
    if (this.#tunnels.delete(connection)) return
    this.#connections.delete(connection)
    const index = this.#idle.indexOf(connection)
    if (index !== -1) this.#idle.splice(index, 1)
    const next = this.#queue.next()
    if (next !== undefined) this.acquire(next)
  }

  #open(): UpstreamConnection {
    const connection = new UpstreamConnection(this)
    this.#connections.add(connection)
    return connection
  }
}
