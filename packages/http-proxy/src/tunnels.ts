import { LimitExceededError } from 'seaworthy/core'

/** Counts the tunnels of a proxy. */
export class Tunnels {
  readonly #max: number
  #open = 0

  constructor(max: number) {
    this.#max = max
  }

  /** Asked before an upstream is. Those that are on their way come on top of it. @throws LimitExceededError */
  assertRoom(): void {
    if (this.#open >= this.#max) throw new LimitExceededError(`The proxy has ${this.#max} tunnels open, and opens no more at once.`)
  }

  opened(): void {
    this.#open++
  }

  closed(): void {
    this.#open--
  }
}
