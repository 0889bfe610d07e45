import { Agent } from 'node:http'
import type { Socket } from 'node:net'
import type { Clock, Operation } from 'seaworthy/core'
import { attempt } from './attempt.ts'
import type { Exchange } from './exchange.ts'
import { HoldGate } from './hold.ts'
import type { GatewayLimits } from './limits.ts'

export interface InstanceOptions {
  /** Of its service. */
  readonly name: string
  readonly url: URL
  readonly limits: GatewayLimits
  readonly clock: Clock
}

/** How long an instance that could not be reached is passed over, while there are others. */
const PASSED_OVER_MS = 1_000

/** One process behind an upstream: its connections, what it has in hand, and whether it is held. */
export class Instance {
  readonly url: URL
  readonly gate: HoldGate
  readonly #options: InstanceOptions
  readonly #agent: Agent
  #running = 0
  #awayUntilMs = -Infinity
  #onIdle: () => void = () => {}

  constructor(options: InstanceOptions) {
    const { url, limits, clock } = options
    this.url = url
    this.#options = options
    this.gate = new HoldGate({ clock, holdMaxMs: limits.holdMaxMs })
    this.#agent = new Agent({
      keepAlive: true,
      maxSockets: limits.concurrencyMax + limits.streamingMax,
      maxFreeSockets: limits.concurrencyMax,
      scheduling: 'lifo',
    })
    // While it is held, a connection that becomes free leads to a process that is about to end.
    this.#agent.on('free', (socket: Socket) => {
      if (this.gate.isHeld) socket.destroy()
    })
  }

  /** Requests that it has in hand. */
  get running(): number {
    return this.#running
  }

  /** Whether it could not be reached a moment ago. */
  get isAway(): boolean {
    return this.#options.clock.monotonicMs() < this.#awayUntilMs
  }

  passOver(): void {
    this.#awayUntilMs = this.#options.clock.monotonicMs() + PASSED_OVER_MS
  }

  async attempt(exchange: Exchange, operation: Operation | undefined): Promise<void> {
    const { name, url, limits, clock } = this.#options
    this.#running++
    try {
      await attempt(exchange, { name, url, agent: this.#agent, connectTimeoutMs: limits.connectTimeoutMs, clock }, operation)
      this.#awayUntilMs = -Infinity
    } finally {
      this.#running--
      if (this.#running === 0) {
        const onIdle = this.#onIdle
        this.#onIdle = () => {}
        onIdle()
      }
    }
  }

  /** Gets no new requests; those in flight finish, for `holdDrainMs` at most. @returns false when it was released meanwhile */
  async hold(id: string, onExpiry: () => void): Promise<boolean> {
    const { clock, limits } = this.#options
    this.gate.hold(id, onExpiry)
    if (this.#running > 0) {
      await new Promise<void>((resolve) => {
        const before = this.#onIdle
        const done = () => {
          timer.cancel()
          resolve()
        }
        const timer = clock.timer(limits.holdDrainMs, done)
        this.#onIdle = () => {
          before()
          done()
        }
      })
    }
    if (!this.gate.has(id)) return false
    for (const sockets of Object.values(this.#agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy()
    return true
  }

  /** Closes every connection, also under requests in flight. */
  close(): void {
    this.#agent.destroy()
  }
}
