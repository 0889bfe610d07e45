/** Runs jobs of one key strictly one after another, in the order in which they were given; jobs of different keys overlap. */
export class KeyLanes {
  // The end of each lane that has work; a lane without work is forgotten.
  readonly #tails = new Map<string, Promise<void>>()

  run<T>(key: string, job: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key)
    const result = before === undefined ? job() : before.then(job)
    // The caller has the error; the next job of the key starts all the same.
    const ended = result.then(
      () => undefined,
      () => undefined,
    )
    const tail: Promise<void> = ended.then(() => this.#forget(key, tail))
    this.#tails.set(key, tail)
    return result
  }

  /** Settles when no job is left. */
  async idle(): Promise<void> {
    while (this.#tails.size > 0) await Promise.all(this.#tails.values())
  }

  #forget(key: string, tail: Promise<void>): void {
    if (this.#tails.get(key) === tail) this.#tails.delete(key)
  }
}
