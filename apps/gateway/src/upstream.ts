import type { ForwardedRequest, Forwarding, ProxyParts, Upstream } from '@seaworthy/http-proxy'
import { Instance } from './instance.ts'
import type { GatewayLimits } from './limits.ts'
import { PatientForwarding } from './patient-forwarding.ts'
import { Places } from './places.ts'
import { WaitingRoom } from './waiting-room.ts'

export interface ServiceUpstreamOptions {
  readonly name: string
  /** Of its instances, at least one. */
  readonly urls: readonly URL[]
  readonly limits: GatewayLimits
  readonly parts: ProxyParts
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
  readonly #instances: readonly Instance[]
  #turn = 0

  constructor({ name, urls, limits, parts }: ServiceUpstreamOptions) {
    const { concurrencyMax, streamingMax, queueMax } = limits
    this.name = name
    this.limits = limits
    this.parts = parts
    this.room = new WaitingRoom(name, limits.waitingMax)
    this.places = new Places(name, { concurrencyMax, queueMax })
    this.streamingPlaces = new Places(name, { concurrencyMax: streamingMax, queueMax })
    this.#instances = urls.map((url) => new Instance({ name, url, limits, parts, onOpen: () => this.room.open() }))
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

  /** Closes every connection, also under requests in flight. */
  close(): void {
    for (const instance of this.#instances) instance.close()
  }
}
