/** Something, and whether it is only what was known last. */
export interface Known<T> {
  readonly value: T
  readonly isStale: boolean
}

/**
 * Remembers the last good answers, and gives them when there is no new one: a price of a minute ago sells more than an apology. The order is checked
 * against the real price anyway, when it is placed.
 */
export class LastKnown<T> {
  readonly #entriesMax: number
  readonly #answers = new Map<string, T>()

  /** @param options.entriesMax answers that are kept; the one not asked for longest goes first */
  constructor(options: { readonly entriesMax: number }) {
    this.#entriesMax = options.entriesMax
  }

  /** @throws what `ask` throws, where nothing is known or the answer is wanted no more */
  async of(key: string, ask: () => Promise<T>, signal?: AbortSignal): Promise<Known<T>> {
    try {
      const value = await ask()
      this.#keep(key, value)
      return { value, isStale: false }
    } catch (error) {
      const known = this.#answers.get(key)
      if (known === undefined || signal?.aborted === true) throw error
      this.#keep(key, known)
      return { value: known, isStale: true }
    }
  }

  #keep(key: string, value: T): void {
    this.#answers.delete(key)
    this.#answers.set(key, value)
    if (this.#answers.size <= this.#entriesMax) return
    const oldest = this.#answers.keys().next()
    if (oldest.done !== true) this.#answers.delete(oldest.value)
  }
}
