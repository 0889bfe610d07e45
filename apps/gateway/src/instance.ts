import { type ProxyParts, type UpstreamPool, upstreamPool } from '@seaworthy/http-proxy'
import type { InstanceAddress } from './health-request.ts'
import { HoldGate } from './hold.ts'
import { HealthCheck, Outlier } from './instance-health.ts'
import type { GatewayLimits } from './limits.ts'
import type { UpstreamPolicy } from './upstream-policy.ts'

export interface InstanceOptions {
  /** Of its service. */
  readonly name: string
  readonly address: InstanceAddress
  readonly limits: GatewayLimits
  readonly parts: ProxyParts
  readonly policy: UpstreamPolicy
  /** Whether one more instance may be passed over for its answers. */
  readonly mayEject: () => boolean
  /** It is no longer held. */
  readonly onOpen: () => void
}

/** One process behind an upstream: its connections, what it has in hand, and whether it is held. */
export class Instance {
  readonly url: URL
  readonly gate: HoldGate
  readonly pool: UpstreamPool
  readonly #options: InstanceOptions
  readonly #outlier: Outlier | undefined
  readonly #check: HealthCheck | undefined
  readonly #idle = new Set<() => void>()
  #running = 0
  #awayUntilMs = -Infinity

  constructor(options: InstanceOptions) {
    const { name, address, limits, parts, policy, onOpen } = options
    this.url = address.url
    this.#options = options
    this.gate = new HoldGate({
      clock: parts.clock,
      holdMaxMs: limits.holdMaxMs,
      onOpen: () => {
        this.pool.keepConnections(true)
        onOpen()
      },
    })
    const { outlier, healthCheck } = policy
    this.#outlier = outlier === undefined ? undefined : new Outlier(outlier, parts.clock)
    this.#check = healthCheck === undefined ? undefined : new HealthCheck(healthCheck, address, parts.clock)
    // Never the limit that a request meets: places are counted for all instances together, before one is chosen.
    this.pool = upstreamPool({
      ...parts,
      ...address,
      name,
      limits: { ...limits, upstreamConnectionsMax: limits.concurrencyMax + limits.streamingMax },
    })
  }

  /** Requests that it has in hand. */
  get running(): number {
    return this.#running
  }

  /** Whether it is passed over while there are others: it could not be reached a moment ago, or is not well. */
  get isAway(): boolean {
    return this.#options.parts.clock.monotonicMs() < this.#awayUntilMs || this.isEjected || this.#check?.isHealthy === false
  }

  get isEjected(): boolean {
    return this.#outlier?.isEjected === true
  }

  get isHealthy(): boolean {
    return this.#check?.isHealthy !== false
  }

  passOver(): void {
    this.#awayUntilMs = this.#options.parts.clock.monotonicMs() + this.#options.limits.passedOverMs
  }

  begin(): void {
    this.#running++
  }

  /** It answered. */
  answered(status: number): void {
    this.#awayUntilMs = -Infinity
    if (status < 500) this.#outlier?.succeeded()
    else this.#outlier?.failed(this.#options.mayEject)
  }

  /** It did not. */
  failed(): void {
    this.#outlier?.failed(this.#options.mayEject)
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

  /** Gets no more requests. What it has goes on. */
  retire(): void {
    this.#check?.stop()
    this.pool.keepConnections(false)
  }

  /** Closes every connection, also under requests in flight. */
  close(): void {
    this.#check?.stop()
    this.pool.close()
  }
}
