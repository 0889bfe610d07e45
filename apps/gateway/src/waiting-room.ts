import { UnavailableError } from 'seaworthy/core'

/** Bounds how many wait for one upstream to come back, parked or backing off: each keeps a connection and a body. Those that are parked go on in order of arrival. */
export class WaitingRoom {
  readonly #upstream: string
  readonly #waitingMax: number
  readonly #parked = new Set<() => void>()
  #waiting = 0

  constructor(upstream: string, waitingMax: number) {
    this.#upstream = upstream
    this.#waitingMax = waitingMax
  }

  /** Requests that wait for a hold to end. */
  get parked(): number {
    return this.#parked.size
  }

  /** @returns why there is no room for one more */
  enter(cause: unknown): UnavailableError | undefined {
    if (this.#waiting >= this.#waitingMax) {
      return new UnavailableError(
        `${this.#upstream} is away, and ${this.#waitingMax} requests wait for it already (waitingMax). Nothing was sent.`,
        { retryAfterMs: 1_000, cause },
      )
    }
    this.#waiting++
    return undefined
  }

  leave(): void {
    this.#waiting--
  }

  /** Waits, having entered, until somebody lets them go on. */
  park(go: () => void): void {
    this.#parked.add(go)
  }

  unpark(go: () => void): void {
    this.#parked.delete(go)
  }

  /** Lets those that are parked go on, in order. Whoever must wait again parks behind them. */
  open(): void {
    const parked = [...this.#parked]
    this.#parked.clear()
    for (const go of parked) go()
  }
}
