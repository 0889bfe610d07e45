import { connect, createServer, type Server, type Socket } from 'node:net'
import { type Clock, type Random, sleep, systemClock, systemRandom, UnavailableError } from 'seaworthy/core'
import { Connection } from './connection.ts'
import { type Afflictions, assertSensible, type Effect, type Effects, noEffects } from './toxics.ts'

export interface FaultProxyOptions {
  /** Where connections lead. */
  readonly target: { readonly host?: string; readonly port: number }
  /** The loopback port to listen on. Default 0: a free one. */
  readonly port?: number
  /** What jitter, slices and toxicity are drawn from. The same numbers, in the same order of events, give the same faults. Default: this process's. */
  readonly random?: Random
  /** Times latency, bandwidth and gaps. Default: this process's. */
  readonly clock?: Clock
  /** What one direction of a connection holds back at most, in bytes; a sender beyond it has to wait. Default 1 MiB. */
  readonly bufferBytesMax?: number
}

export interface FaultProxy {
  /** On 127.0.0.1. The same from start to close. */
  readonly port: number
  readonly effects: Effects
  /** Connections accepted so far. */
  readonly accepted: number
  /** Connections open now. */
  readonly open: number
  /** Bytes that went on, from client to target and back. */
  readonly forwardedBytes: { readonly upstream: number; readonly downstream: number }
  /**
   * Puts these in force and takes all others away, for open connections and new ones.
   * @throws ConfigurationError for a setting that makes no sense; UnavailableError when a port that refused is taken by another process
   */
  afflict(afflictions: Afflictions): Promise<void>
  /** Takes everything away. Connections that a toxic ended stay ended. */
  heal(): Promise<void>
  /** Ends every open connection at once, in order (FIN) or not (RST). @returns how many there were */
  disconnect(how: 'close' | 'reset'): number
  /** Stops listening and resets what is open. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

const BUFFER_BYTES_MAX = 1 << 20
const REOPEN_ATTEMPTS_MAX = 50
const REOPEN_EVERY_MS = 20

/** Listens on loopback and forwards to the target, faultlessly until told otherwise. */
export async function startFaultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  const proxy = new TcpFaultProxy(options)
  await proxy.listen()
  return proxy
}

class TcpFaultProxy implements FaultProxy {
  readonly #target: { readonly host: string; readonly port: number }
  readonly #clock: Clock
  readonly #random: Random
  readonly #bufferBytesMax: number
  readonly #connections = new Set<Connection>()
  readonly #effects = noEffects()
  readonly #forwarded = { upstream: 0, downstream: 0 }
  #afflictions: Afflictions = {}
  #server: Server | undefined
  #port: number
  #accepted = 0
  #onEmpty: () => void = () => {}

  constructor({ target, port = 0, random = systemRandom, clock = systemClock, bufferBytesMax = BUFFER_BYTES_MAX }: FaultProxyOptions) {
    this.#target = { host: target.host ?? '127.0.0.1', port: target.port }
    this.#port = port
    this.#random = random
    this.#clock = clock
    this.#bufferBytesMax = bufferBytesMax
  }

  get port(): number {
    return this.#port
  }

  get effects(): Effects {
    return { ...this.#effects }
  }

  get accepted(): number {
    return this.#accepted
  }

  get open(): number {
    return this.#connections.size
  }

  get forwardedBytes(): { readonly upstream: number; readonly downstream: number } {
    return { ...this.#forwarded }
  }

  async afflict(afflictions: Afflictions): Promise<void> {
    assertSensible(afflictions)
    this.#afflictions = afflictions
    for (const connection of this.#connections) connection.afflict(afflictions)
    if (afflictions.refuse === true) this.#refuse()
    else if (this.#server === undefined) await this.#listenAgain()
  }

  heal(): Promise<void> {
    return this.afflict({})
  }

  disconnect(how: 'close' | 'reset'): number {
    const { size } = this.#connections
    for (const connection of this.#connections) {
      connection.disconnect(how)
      this.#effects[how]++
    }
    return size
  }

  async close(): Promise<void> {
    this.#refuse()
    if (this.#connections.size === 0) return
    const emptied = new Promise<void>((resolve) => (this.#onEmpty = resolve))
    for (const connection of this.#connections) connection.disconnect('reset')
    await emptied
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** @internal Opens the listener, on the port it had before if it had one. */
  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      // Half-open sockets are allowed, because the end of one direction is passed on by its lane, when its toxics let it.
      const server = createServer({ allowHalfOpen: true }, (client) => this.#accept(client))
      server.once('error', reject)
      server.listen({ port: this.#port, host: '127.0.0.1' }, () => {
        server.off('error', reject)
        this.#port = (server.address() as { port: number }).port
        this.#server = server
        resolve()
      })
    })
  }

  /** With the listener gone, the operating system refuses by itself: no proxy that accepts first can do that. */
  #refuse(): void {
    this.#server?.close()
    this.#server = undefined
  }

  async #listenAgain(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.listen()
      } catch (error) {
        // An outgoing connection of anybody's may have been given the port meanwhile, for as long as that lasts.
        if (attempt >= REOPEN_ATTEMPTS_MAX)
          throw new UnavailableError(
            `The fault proxy refused connections on port ${this.#port}, and another process has taken the port. Give it a port below the ephemeral ones.`,
            { cause: error },
          )
        // Waits for the operating system, which knows nothing of the clock that times the faults.
        await sleep(systemClock, REOPEN_EVERY_MS)
      }
    }
  }

  #accept(client: Socket): void {
    this.#accepted++
    const connection: Connection = new Connection({
      client,
      target: connect({ ...this.#target, allowHalfOpen: true }),
      afflictions: this.#afflictions,
      clock: this.#clock,
      random: this.#random,
      bufferBytesMax: this.#bufferBytesMax,
      onEffect: (effect: Effect) => void this.#effects[effect]++,
      onForwarded: (direction, bytes) => (this.#forwarded[direction] += bytes),
      onClosed: () => {
        this.#connections.delete(connection)
        if (this.#connections.size === 0) this.#onEmpty()
      },
    })
    this.#connections.add(connection)
  }
}
