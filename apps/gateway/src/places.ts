import { type BulkheadDeclaration, BulkheadFullError } from 'seaworthy/resilience'

/** Somebody who queues for a place. */
export interface Claimant {
  onPlace(): void
}

/** How many requests an upstream has in hand, and how many queue, first come, first served: a bulkhead without a promise for each request. */
export class Places {
  readonly #name: string
  readonly #concurrencyMax: number
  readonly #queueMax: number
  readonly #queue = new Set<Claimant>()
  #running = 0
  #isHandingOut = false

  constructor(name: string, { concurrencyMax, queueMax = 0 }: BulkheadDeclaration) {
    this.#name = name
    this.#concurrencyMax = concurrencyMax
    this.#queueMax = queueMax
  }

  /**
   * Gives the claimant a place: at once, if one is free.
   * @returns why there is none, when even the queue is full
   */
  claim(claimant: Claimant): BulkheadFullError | undefined {
    if (this.#running < this.#concurrencyMax && this.#queue.size === 0) {
      this.#running++
      claimant.onPlace()
    } else if (this.#queue.size < this.#queueMax) this.#queue.add(claimant)
    else {
      return new BulkheadFullError(this.#name, {
        running: this.#running,
        queued: this.#queue.size,
        concurrencyMax: this.#concurrencyMax,
        queueMax: this.#queueMax,
      })
    }
    return undefined
  }

  /** Leaves the queue. */
  withdraw(claimant: Claimant): void {
    this.#queue.delete(claimant)
  }

  /** Gives a place back: to the next in the queue, if there is one. */
  release(): void {
    this.#running--
    // Who gets a place may give it back at once; a loop, because a queue of them is deeper than the stack.
    if (this.#isHandingOut) return
    this.#isHandingOut = true
    try {
      while (this.#running < this.#concurrencyMax) {
        const [next] = this.#queue
        if (next === undefined) return
        this.#queue.delete(next)
        this.#running++
        next.onPlace()
      }
    } finally {
      this.#isHandingOut = false
    }
  }
}
