import type { Socket } from 'node:net'
import type { Clock, Random } from 'seaworthy/core'
import { Lane } from './lane.ts'
import type { Afflictions, Effect, Toxics } from './toxics.ts'

export interface ConnectionOptions {
  readonly client: Socket
  readonly target: Socket
  readonly afflictions: Afflictions
  readonly clock: Clock
  readonly random: Random
  readonly bufferBytesMax: number
  readonly onEffect: (effect: Effect) => void
  readonly onForwarded: (direction: 'upstream' | 'downstream', bytes: number) => void
  readonly onClosed: () => void
}

/** A client's socket and the one to the target, with a lane each way. It is over when both sockets are. */
export class Connection {
  readonly #options: ConnectionOptions
  readonly #upstream: Lane
  readonly #downstream: Lane
  #openSockets = 2

  constructor(options: ConnectionOptions) {
    this.#options = options
    const { client, target, afflictions } = options
    for (const socket of [client, target]) {
      // A piece is a packet: Nagle's algorithm would put slices together again.
      socket.setNoDelay(true)
      // Whatever the reason, 'close' follows, and the lane passes it on as the reset that it is.
      socket.on('error', () => {})
      socket.once('close', () => {
        if (--this.#openSockets === 0) options.onClosed()
      })
    }
    this.#upstream = this.#lane('upstream', { from: client, to: target, toxics: this.#drawn(afflictions.upstream) })
    this.#downstream = this.#lane('downstream', { from: target, to: client, toxics: this.#drawn(afflictions.downstream) })
  }

  afflict(afflictions: Afflictions): void {
    this.#upstream.afflict(this.#drawn(afflictions.upstream))
    this.#downstream.afflict(this.#drawn(afflictions.downstream))
  }

  /** Ends it for both ends: `close` sends what was forwarded and a FIN, `reset` an RST. */
  disconnect(how: 'close' | 'reset'): void {
    this.#upstream.close()
    this.#downstream.close()
    for (const socket of [this.#options.client, this.#options.target]) {
      if (how === 'reset') socket.resetAndDestroy()
      // What the other end still sends is not waited for.
      else socket.end(() => socket.destroy())
    }
  }

  #drawn(toxics: Toxics = {}): Toxics {
    const { toxicity = 1 } = toxics
    return toxicity >= 1 || this.#options.random.float() < toxicity ? toxics : {}
  }

  #lane(direction: 'upstream' | 'downstream', ends: { from: Socket; to: Socket; toxics: Toxics }): Lane {
    const { onForwarded, ...options } = this.#options
    return new Lane({
      ...options,
      ...ends,
      onForwarded: (bytes) => onForwarded(direction, bytes),
      onCut: (how) => this.disconnect(how),
    })
  }
}
