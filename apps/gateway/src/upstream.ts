import type { AddressedUpstream, ForwardedRequest, Forwarding, ProxyParts, Upstream } from '@seaworthy/http-proxy'
import { systemRandom } from 'seaworthy/core'
import { CircuitBreaker, type CircuitBreakerSnapshot, RetryBudget } from 'seaworthy/resilience'
import { Instance } from './instance.ts'
import { KeyedRateLimit } from './keyed-rate-limit.ts'
import type { GatewayLimits } from './limits.ts'
import { PatientForwarding } from './patient-forwarding.ts'
import { Places } from './places.ts'
import { limitsWith, type UpstreamPolicy } from './upstream-policy.ts'
import { WaitingRoom } from './waiting-room.ts'

export interface ServiceUpstreamOptions {
  readonly name: string
  /** Of its instances, at least one. */
  readonly urls: readonly URL[]
  readonly protocol?: AddressedUpstream['protocol']
  readonly tls?: AddressedUpstream['tls']
  readonly limits: GatewayLimits
  readonly parts: ProxyParts
  readonly policy?: UpstreamPolicy
  /** Whether it gets the client's Host rather than its own address. Default false. */
  readonly preserveHost?: boolean
}

/** What an upstream is doing, for people. */
export interface UpstreamSnapshot {
  readonly name: string
  readonly parked: number
  readonly circuitBreaker: CircuitBreakerSnapshot | undefined
  readonly instances: readonly {
    readonly url: string
    readonly running: number
    readonly isHeld: boolean
    readonly isAway: boolean
    readonly isEjected: boolean
    readonly isHealthy: boolean
  }[]
}

/** A service behind the gateway: its instances, and how many requests it gets at once. */
export class ServiceUpstream implements Upstream {
  readonly name: string
  readonly limits: GatewayLimits
  readonly parts: ProxyParts
  readonly room: WaitingRoom
  /** For requests whose body is there. */
  readonly places: Places
  /** For those whose body is still coming in. */
  readonly streamingPlaces: Places
  readonly policy: UpstreamPolicy
  readonly breaker: CircuitBreaker | undefined
  readonly retryBudget: RetryBudget | undefined
  readonly rateLimit: KeyedRateLimit | undefined
  readonly #instances: readonly Instance[]
  #turn = 0

  constructor({ name, urls, protocol, tls, preserveHost = false, limits: some, parts, policy = {} }: ServiceUpstreamOptions) {
    const limits = limitsWith(some, policy)
    const { clock } = parts
    const { circuitBreaker, retry, rateLimit } = policy
    this.policy = policy
    this.breaker = circuitBreaker && new CircuitBreaker(circuitBreaker, name, clock, systemRandom)
    this.retryBudget = retry?.budget && new RetryBudget(retry.budget, clock)
    this.rateLimit = rateLimit && new KeyedRateLimit(name, rateLimit, clock)
    const { concurrencyMax, streamingMax, queueMax } = limits
    this.name = name
    this.limits = limits
    this.parts = parts
    this.room = new WaitingRoom(name, limits.waitingMax)
    this.places = new Places(name, { concurrencyMax, queueMax })
    this.streamingPlaces = new Places(name, { concurrencyMax: streamingMax, queueMax })
    const onOpen = () => this.room.open()
    const mayEject = () => this.#mayEject
    const spoken = { preserveHost, ...(protocol !== undefined && { protocol }), ...(tls !== undefined && { tls }) }
    this.#instances = urls.map((url) => new Instance({ name, address: { url, ...spoken }, limits, parts, policy, mayEject, onOpen }))
  }

  forwarding(request: ForwardedRequest): Forwarding {
    return new PatientForwarding(request, this)
  }

  /** Whether every instance is held. */
  get isHeld(): boolean {
    return this.#instances.every(({ gate }) => gate.isHeld)
  }

  /** The one that has least in hand of those that are not held; in turns, where several have. Undefined while all are held. */
  next(): Instance | undefined {
    // Most upstreams have one.
    if (this.#instances.length === 1) return this.#instances[0]!.gate.isHeld ? undefined : this.#instances[0]
    const open = this.#instances.filter(({ gate }) => !gate.isHeld)
    const there = open.filter(({ isAway }) => !isAway)
    const [candidates, turn] = [there.length > 0 ? there : open, this.#turn++]
    const inTurn = candidates.map((_, index) => candidates[(index + turn) % candidates.length]!)
    return inTurn.reduce<Instance | undefined>(
      (least, each) => (least === undefined || each.running < least.running ? each : least),
      undefined,
    )
  }

  /**
   * Parks new requests and lets those in flight finish, for `holdDrainMs` at most; those to one instance, if `url` names it, go to the others.
   * @returns false when it was released meanwhile
   */
  async hold(id: string, { onExpiry, url }: { onExpiry: () => void; url?: string | undefined }): Promise<boolean> {
    const meant = this.#instances.filter((instance) => url === undefined || instance.url.origin === url)
    const held = await Promise.all(meant.map((instance) => instance.hold(id, onExpiry)))
    return held.every(Boolean)
  }

  release(id: string): void {
    for (const { gate } of this.#instances) gate.release(id)
  }

  /** Gets no more requests, because its configuration has changed. Those that it has go on, and its tunnels. */
  retire(): void {
    for (const instance of this.#instances) instance.retire()
  }

  get isIdle(): boolean {
    return this.room.parked === 0 && this.#instances.every(({ running }) => running === 0)
  }

  snapshot(): UpstreamSnapshot {
    return {
      name: this.name,
      parked: this.room.parked,
      circuitBreaker: this.breaker?.snapshot(),
      instances: this.#instances.map(({ url, running, gate, isAway, isEjected, isHealthy }) => ({
        url: url.origin,
        running,
        isHeld: gate.isHeld,
        isAway,
        isEjected,
        isHealthy,
      })),
    }
  }

  get #mayEject(): boolean {
    const ejected = this.#instances.filter(({ isEjected }) => isEjected).length
    return (ejected + 1) / this.#instances.length <= (this.policy.outlier?.ejectedShareMax ?? 0.5)
  }

  /** Closes every connection, also under requests in flight. */
  close(): void {
    for (const instance of this.#instances) instance.close()
  }
}
