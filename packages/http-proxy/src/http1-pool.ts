import { ApplicantQueue, type Applicant } from './applicant-queue.ts'
import type { UpstreamAddress } from './upstream-address.ts'
import type { HeadParser } from './head.ts'
import type { HttpProxyLimits } from './limits.ts'
import type { ProxyParts } from './proxy-parts.ts'
import type { TimerWheel } from './timer-wheel.ts'
import { type ConnectionHome, UpstreamConnection } from './upstream-connection.ts'
import type { UpstreamPool } from './upstream-pool.ts'

/**
 * To make a connection costs as much as several requests on one that is there. After a moment's stall, a connection for each request that had come meanwhile
 * would be a stall of its own, while those that are there are about to be free. So no more are made at once than this, or than a quarter of those that are open.
 */
const DIALS_MIN = 8
const DIALS_SHARE = 1 / 4
/** So many of those that are made at once may still be on their way when the next ones are made: one whose first packet was lost takes a second. */
const DIALS_LATE_SHARE = 1 / 4

/** The connections to one upstream that speaks HTTP/1.1: so many at most, the last that became free used first, and a bounded queue for them. */
export class Http1Pool implements UpstreamPool, ConnectionHome {
  readonly address: UpstreamAddress
  readonly parser: HeadParser
  readonly wheel: TimerWheel
  readonly limits: HttpProxyLimits
  readonly onDefect: (error: unknown) => void
  readonly #connections = new Set<UpstreamConnection>()
  /** Those among them that are not open yet. */
  readonly #dialing = new Set<UpstreamConnection>()
  readonly #tunnels = new Set<UpstreamConnection>()
  readonly #queue: ApplicantQueue
  #keepsConnections = true
  /** The last attempt to connect failed: then each request has one of its own, and its own answer soon. */
  #isUnreachable = false
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
    else if (isFresh && this.#hasRoom) applicant.onLink(this.#dial())
    else if (!isFresh && this.#mayDial) this.#inTurn(applicant).onLink(this.#dial())
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

  onOpen(connection: UpstreamConnection): void {
    this.#dialing.delete(connection)
    this.#isUnreachable = false
    // Until then, those that became free have served the queue as well.
    if (this.#dialing.size <= this.#dialsMax * DIALS_LATE_SHARE) this.#dialForQueue()
  }

  onUnreachable(): void {
    this.#isUnreachable = true
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
    this.#dialForQueue()
  }

  onClosed(connection: UpstreamConnection): void {
    if (this.#tunnels.delete(connection)) return
    this.#connections.delete(connection)
    this.#dialing.delete(connection)
    const index = this.#idle.indexOf(connection)
    if (index !== -1) this.#idle.splice(index, 1)
    this.#dialForQueue()
  }

  get #hasRoom(): boolean {
    return this.#connections.size < this.limits.upstreamConnectionsMax
  }

  /** How many are made at once. */
  get #dialsMax(): number {
    return Math.max(DIALS_MIN, (this.#connections.size - this.#dialing.size) * DIALS_SHARE)
  }

  get #mayDial(): boolean {
    const isPaced = this.#dialing.size < this.#dialsMax
    return this.#hasRoom && (isPaced || this.#isUnreachable || this.#queue.isFull)
  }

  /** Whose turn it is: while some wait, whoever comes takes the place of the first of them. */
  #inTurn(applicant: Applicant): Applicant {
    const first = this.#queue.next()
    if (first === undefined) return applicant
    this.#queue.add(applicant)
    return first
  }

  #dialForQueue(): void {
    while (this.#mayDial) {
      const next = this.#queue.next()
      if (next === undefined) return
      next.onLink(this.#dial())
    }
  }

  #dial(): UpstreamConnection {
    const connection = new UpstreamConnection(this)
    this.#connections.add(connection)
    this.#dialing.add(connection)
    return connection
  }
}
