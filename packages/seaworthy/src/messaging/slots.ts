interface Waiting {
  readonly places: number
  readonly take: () => void
}

/** A number of places; who finds none waits in line. */
export class Slots {
  readonly count: number
  #free: number
  readonly #waiting: Waiting[] = []

  constructor(count: number) {
    this.count = count
    this.#free = count
  }

  /** Runs `body` in so many places, all of them for `count`. @throws the signal's reason when it aborts before they are free: the body then did not run */
  async use<T>(signal: AbortSignal, places: number, body: () => Promise<T>): Promise<T> {
    await this.#acquire(signal, places)
    try {
      return await body()
    } finally {
      this.#free += places
      this.#admit()
    }
  }

  async #acquire(signal: AbortSignal, places: number): Promise<void> {
    signal.throwIfAborted()
    if (this.#waiting.length > 0 || places > this.#free) return this.#wait(signal, places)
    this.#free -= places
  }

  #wait(signal: AbortSignal, places: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1)
        reject(signal.reason)
        this.#admit()
      }
      const take = () => {
        signal.removeEventListener('abort', onAbort)
        resolve()
      }
      const waiting: Waiting = { places, take }
      signal.addEventListener('abort', onAbort, { once: true })
      this.#waiting.push(waiting)
    })
  }

  /** Lets in who stands first, as long as there is room: nobody passes who needs more, or that one would wait for ever. */
  #admit(): void {
    for (let first = this.#waiting[0]; first !== undefined && first.places <= this.#free; first = this.#waiting[0]) {
      this.#waiting.shift()
      this.#free -= first.places
      first.take()
    }
  }
}
