import { UnavailableError } from 'seaworthy/core'

/** Bounds how many wait for one upstream to come back, parked or backing off: each keeps a connection and a body. */
export class WaitingRoom {
  readonly #upstream: string
  readonly #waitingMax: number
  #waiting = 0

  constructor(upstream: string, waitingMax: number) {
    this.#upstream = upstream
    this.#waitingMax = waitingMax
  }

  /** @throws UnavailableError when the room is full */
  async during(wait: () => Promise<void>, cause: unknown): Promise<void> {
    if (this.#waiting >= this.#waitingMax) {
      throw new UnavailableError(
        `${this.#upstream} is away, and ${this.#waitingMax} requests wait for it already (waitingMax). Nothing was sent.`,
        { retryAfterMs: 1_000, cause },
      )
    }
    this.#waiting++
    try {
      await wait()
    } finally {
      this.#waiting--
    }
  }
}
