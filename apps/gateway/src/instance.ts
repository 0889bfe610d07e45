import { type ProxyParts, UpstreamPool } from '@seaworthy/http-proxy'
import { HoldGate } from './hold.ts'
import type { GatewayLimits } from './limits.ts'

export interface InstanceOptions {
  /** Of its service. */
  readonly name: string
  readonly url: URL
  readonly limits: GatewayLimits
  readonly parts: ProxyParts
  /** It is no longer held. */
  readonly onOpen: () => void
}

/** One process behind an upstream: its connections, what it has in hand, and whether it is held. */
export class Instance {
  readonly url: URL
  readonly gate: HoldGate
  readonly pool: UpstreamPool
  readonly #options: InstanceOptions
  readonly #idle = new Set<() => void>()
  #running = 0
  #awayUntilMs = -Infinity

  constructor(options: InstanceOptions) {
    const { name, url, limits, parts, onOpen } = options
    this.url = url
    this.#options = options
    this.gate = new HoldGate({
      clock: parts.clock,
      holdMaxMs: limits.holdMaxMs,
      onOpen: () => {
        this.pool.keepConnections(true)
        onOpen()
      },
    })
    // Never the limit that a request meets: places are counted for all instances together, before one is chosen.
    this.pool = new UpstreamPool({
      ...parts,
      name,
      url,
      limits: { ...limits, upstreamConnectionsMax: limits.concurrencyMax + limits.streamingMax },
    })
  }

  /** Requests that it has in hand. */
  get running(): number {
    return this.#running
  }

  /** Whether it could not be reached a moment ago. */
  get isAway(): boolean {
    return this.#options.parts.clock.monotonicMs() < this.#awayUntilMs
  }

  passOver(): void {
    this.#awayUntilMs = this.#options.parts.clock.monotonicMs() + this.#options.limits.passedOverMs
  }

  begin(): void {
    this.#running++
  }

  /** It answered. */
  answered(): void {
    this.#awayUntilMs = -Infinity
  }

  end(): void {
    this.#running--
    if (this.#running === 0) for (const tell of this.#idle) tell()
  }

  /** Gets no new requests; those in flight finish, for `holdDrainMs` at most. @returns false when it was released meanwhile */
  async hold(id: string, onExpiry: () => void): Promise<boolean> {
    const { parts, limits } = this.#options
    this.gate.hold(id, onExpiry)
    // A connection that becomes free leads to a process that is about to end.
    this.pool.keepConnections(false)
    if (this.#running > 0) {
      await new Promise<void>((resolve) => {
        const done = () => {
          timer.cancel()
          this.#idle.delete(done)
          resolve()
        }
        const timer = parts.clock.timer(limits.holdDrainMs, done)
        this.#idle.add(done)
      })
    }
    return this.gate.has(id)
  }

  /** Closes every connection, also under requests in flight. */
  close(): void {
    this.pool.close()
  }
}
