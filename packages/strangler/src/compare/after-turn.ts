import { type Clock, nextMacrotask } from 'seaworthy/core'

export interface AfterTurnOptions<Item> {
  readonly clock: Clock
  /** After a turn that took longer, in milliseconds, what it brought is dropped. */
  readonly turnMsMax: number
  readonly take: (item: Item) => void
  readonly drop: (item: Item) => void
}

/**
 * Puts work off until the event loop's turn has ended, so that whoever else was served in that turn has been served first. After a turn that took long the
 * work is dropped: clients wait already, and this would be added to it.
 */
export class AfterTurn<Item> {
  readonly #options: AfterTurnOptions<Item>
  #items: Item[] = []
  #sinceMs = 0

  constructor(options: AfterTurnOptions<Item>) {
    this.#options = options
  }

  add(item: Item): void {
    if (this.#items.length === 0) {
      this.#sinceMs = this.#options.clock.monotonicMs()
      nextMacrotask(() => this.#end())
    }
    this.#items.push(item)
  }

  #end(): void {
    const { clock, turnMsMax, take, drop } = this.#options
    const items = this.#items
    this.#items = []
    const isLate = clock.monotonicMs() - this.#sinceMs > turnMsMax
    for (const item of items) (isLate ? drop : take)(item)
  }
}
