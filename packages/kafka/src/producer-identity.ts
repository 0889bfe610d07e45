import { initProducerIdV5 } from '@platformatic/kafka'
import type { Cluster } from './cluster.ts'
import { ProducerFencedError, asSeaworthyError, reasonsOf } from './errors.ts'

/** As whom a producer sends: with it and a number per partition, the broker recognises what it has stored already. */
export interface Identity {
  readonly producerId: bigint
  readonly epoch: number
}

// Of a transaction that is never begun; the broker wants a value within its own bound.
const TRANSACTION_TIMEOUT_MS = 60_000

/**
 * An identity from the broker. One with a name is taken over by whoever asks for it later: the broker raises its epoch, and a partition that
 * has seen the higher one refuses the lower. It is never used for a transaction: a batch of its own is all that a relay needs.
 */
export class ProducerIdentity {
  readonly #cluster: Cluster
  readonly #name: string | undefined
  #current: Promise<Identity> | undefined
  #last: Identity | undefined

  constructor(cluster: Cluster, name: string | undefined) {
    this.#cluster = cluster
    this.#name = name
  }

  /** @throws ProducerFencedError when somebody else has taken the name */
  get(): Promise<Identity> {
    this.#current ??= this.#ask().catch((error: unknown) => {
      this.#current = undefined
      throw error
    })
    return this.#current
  }

  /** What was sent under this one is in doubt: what follows goes under another. */
  renew(identity: Identity): void {
    if (this.#last === identity) this.#current = undefined
  }

  async #ask(): Promise<Identity> {
    const name = this.#name
    try {
      const { producerId, producerEpoch } =
        name === undefined
          ? await this.#cluster.askAny(initProducerIdV5.api, [null, TRANSACTION_TIMEOUT_MS, -1n, -1])
          : // With the last one, so that one who was fenced does not take the name back.
            await this.#cluster.askCoordinator('transaction', name, initProducerIdV5.api, [
              name,
              TRANSACTION_TIMEOUT_MS,
              this.#last?.producerId ?? -1n,
              this.#last?.epoch ?? -1,
            ])
      this.#last = { producerId, epoch: producerEpoch }
      return this.#last
    } catch (error) {
      if (name !== undefined && isFenced(error)) throw new ProducerFencedError(name, { cause: error })
      throw asSeaworthyError(error, 'a producer')
    }
  }
}

export function isFenced(error: unknown): boolean {
  return reasonsOf(error).some((reason) => reason === 'PRODUCER_FENCED' || reason === 'INVALID_PRODUCER_EPOCH')
}
