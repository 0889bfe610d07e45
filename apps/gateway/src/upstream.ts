import { backoffMs, type Clock, executedOf, isFinal, observed, type Operation, sleep, systemRandom } from 'seaworthy/core'
import { bulkhead, BulkheadFullError, type Policy } from 'seaworthy/resilience'
import type { Exchange } from './exchange.ts'
import { Instance } from './instance.ts'
import type { GatewayLimits } from './limits.ts'
import { WaitingRoom } from './waiting-room.ts'

export interface UpstreamOptions {
  readonly name: string
  /** Of its instances, at least one. */
  readonly urls: readonly URL[]
  readonly limits: GatewayLimits
  readonly clock: Clock
}

const call = observed('gateway.upstream')

/** A service behind the gateway: its instances, and how many requests it gets at once. */
export class Upstream {
  readonly name: string
  readonly #instances: readonly Instance[]
  readonly #room: WaitingRoom
  readonly #places: Policy
  readonly #streamingPlaces: Policy
  readonly #limits: GatewayLimits
  readonly #clock: Clock
  #turn = 0

  constructor(options: UpstreamOptions) {
    const { name, urls, limits, clock } = options
    this.name = name
    this.#limits = limits
    this.#clock = clock
    this.#instances = urls.map((url) => new Instance({ name, url, limits, clock }))
    this.#room = new WaitingRoom(name, limits.waitingMax)
    this.#places = bulkhead({ concurrencyMax: limits.concurrencyMax, queueMax: limits.queueMax }, { name, clock })
    this.#streamingPlaces = bulkhead({ concurrencyMax: limits.streamingMax, queueMax: limits.queueMax }, { name, clock })
  }

  /** Requests that wait at the gate. */
  get parked(): number {
    return this.#instances.reduce((sum, { gate }) => sum + gate.parked, 0)
  }

  /**
   * Sends the request on and relays the answer. While the upstream is away, waits and tries again what was surely not
   * executed, and what may have been only if a repetition does no harm. Clients that send slowly keep nobody else's place: a small body takes one once it
   * is there, and bodies that stream have places of their own.
   * @throws the typed error that is to be answered, while the client has had nothing of an answer
   */
  async forward(exchange: Exchange): Promise<void> {
    if (!exchange.body.hasArrived) await exchange.body.prefetch(exchange.signal)
    exchange.waiting()
    for (let attempts = 1; ; attempts++) {
      if (this.#next() === undefined) await this.#room.during(() => this.#instances[0]!.gate.pass(exchange.signal), undefined)
      try {
        const places = exchange.body.hasArrived ? this.#places : this.#streamingPlaces
        const isDone = await places.run(() => this.#attempt(exchange), { ...exchange.context, signal: exchange.signal })
        if (isDone) return
        attempts--
      } catch (error) {
        if (!this.#isWorthRepeating(error, exchange)) throw error
        exchange.waiting(error)
        const delayMs = backoffMs(this.#limits.waitBackoff, attempts, systemRandom)
        await this.#room.during(() => sleep(this.#clock, delayMs, exchange.signal), error)
      }
    }
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

  /** @returns false when the upstream came to be held while the request queued for its place */
  async #attempt(exchange: Exchange): Promise<boolean> {
    const instance = this.#next()
    if (instance === undefined) return false
    this.#turn++
    try {
      await call.run(
        () => this.#describe(exchange, instance),
        (operation) => instance.attempt(exchange, operation),
      )
    } catch (error) {
      if (executedOf(error) === 'no') instance.passOver()
      throw error
    }
    return true
  }

  /** The one that has least in hand of those that are not held; in turns, where several have. Undefined while all are held. */
  #next(): Instance | undefined {
    const open = this.#instances.filter(({ gate }) => !gate.isHeld)
    const there = open.filter(({ isAway }) => !isAway)
    const [candidates, turn] = [there.length > 0 ? there : open, this.#turn]
    const inTurn = candidates.map((_, index) => candidates[(index + turn) % candidates.length]!)
    return inTurn.reduce<Instance | undefined>(
      (least, each) => (least === undefined || each.running < least.running ? each : least),
      undefined,
    )
  }

  #isWorthRepeating(error: unknown, exchange: Exchange): boolean {
    if (exchange.signal.aborted || isFinal(error) || error instanceof BulkheadFullError || !exchange.body.isReplayable) return false
    return executedOf(error) === 'no' || exchange.isRepeatable
  }

  #describe({ request, context }: Exchange, { url }: Instance): Operation {
    return {
      name: `${request.method} ${this.name}`,
      kind: 'client',
      attributes: {
        'http.request.method': request.method ?? '',
        'server.address': url.hostname,
        'server.port': Number(url.port || 80),
        'seaworthy.upstream': this.name,
        'seaworthy.correlation_id': context.correlationId,
      },
    }
  }
}
