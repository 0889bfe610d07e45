import { Agent } from 'node:http'
import type { Socket } from 'node:net'
import { backoffMs, type Clock, executedOf, isFinal, observed, type Operation, sleep, systemRandom } from 'seaworthy/core'
import { bulkhead, BulkheadFullError, type Policy } from 'seaworthy/resilience'
import { attempt, type AttemptTarget } from './attempt.ts'
import type { Exchange } from './exchange.ts'
import { HoldGate } from './hold.ts'
import type { GatewayLimits } from './limits.ts'
import { WaitingRoom } from './waiting-room.ts'

export interface UpstreamOptions {
  readonly name: string
  readonly url: URL
  readonly limits: GatewayLimits
  readonly clock: Clock
}

const call = observed('gateway.upstream')

/** A service behind the gateway: its connections, how many requests it gets at once, and whether it is held. */
export class Upstream {
  readonly name: string
  readonly #target: AttemptTarget
  readonly #agent: Agent
  readonly #gate: HoldGate
  readonly #room: WaitingRoom
  readonly #places: Policy
  readonly #streamingPlaces: Policy
  readonly #limits: GatewayLimits
  readonly #clock: Clock
  #running = 0
  #onIdle: () => void = () => {}

  constructor(options: UpstreamOptions) {
    const { name, url, limits, clock } = options
    this.name = name
    this.#limits = limits
    this.#clock = clock
    this.#agent = new Agent({
      keepAlive: true,
      maxSockets: limits.concurrencyMax + limits.streamingMax,
      maxFreeSockets: limits.concurrencyMax,
      scheduling: 'lifo',
    })
    this.#target = { name, url, agent: this.#agent, connectTimeoutMs: limits.connectTimeoutMs, clock }
    this.#gate = new HoldGate({ clock, holdMaxMs: limits.holdMaxMs })
    this.#room = new WaitingRoom(name, limits.waitingMax)
    this.#places = bulkhead({ concurrencyMax: limits.concurrencyMax, queueMax: limits.queueMax }, { name, clock })
    this.#streamingPlaces = bulkhead({ concurrencyMax: limits.streamingMax, queueMax: limits.queueMax }, { name, clock })
    // While it is held, a connection that becomes free leads to a process that is about to end.
    this.#agent.on('free', (socket: Socket) => {
      if (this.#gate.isHeld) socket.destroy()
    })
  }

  /** Requests that wait at the gate. */
  get parked(): number {
    return this.#gate.parked
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
      if (this.#gate.isHeld) await this.#room.during(() => this.#gate.pass(exchange.signal), undefined)
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

  /** Parks new requests and lets those in flight finish, for `holdDrainMs` at most. @returns false when it was released meanwhile */
  async hold(id: string, onExpiry: () => void): Promise<boolean> {
    this.#gate.hold(id, onExpiry)
    if (this.#running > 0) {
      await new Promise<void>((resolve) => {
        const before = this.#onIdle
        const done = () => {
          timer.cancel()
          resolve()
        }
        const timer = this.#clock.timer(this.#limits.holdDrainMs, done)
        this.#onIdle = () => {
          before()
          done()
        }
      })
    }
    if (!this.#gate.has(id)) return false
    this.#closeIdle()
    return true
  }

  release(id: string): void {
    this.#gate.release(id)
  }

  /** Closes every connection, also under requests in flight. */
  close(): void {
    this.#agent.destroy()
  }

  /** @returns false when the upstream came to be held while the request queued for its place */
  async #attempt(exchange: Exchange): Promise<boolean> {
    if (this.#gate.isHeld) return false
    this.#running++
    try {
      await call.run(
        () => this.#describe(exchange),
        (operation) => attempt(exchange, this.#target, operation),
      )
      return true
    } finally {
      this.#running--
      if (this.#running === 0) {
        const onIdle = this.#onIdle
        this.#onIdle = () => {}
        onIdle()
      }
    }
  }

  #isWorthRepeating(error: unknown, exchange: Exchange): boolean {
    if (exchange.signal.aborted || isFinal(error) || error instanceof BulkheadFullError || !exchange.body.isReplayable) return false
    return executedOf(error) === 'no' || exchange.isRepeatable
  }

  #closeIdle(): void {
    for (const sockets of Object.values(this.#agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy()
  }

  #describe({ request, context }: Exchange): Operation {
    const { url } = this.#target
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
