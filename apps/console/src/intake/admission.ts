import type { Refusal } from './signal.ts'

/** Requests that are being read and decoded at the same time: with the limit of their bytes, what a flood can take of memory. */
const REQUESTS_MAX = 16

const TOO_MANY: Refusal = { kind: 'busy', why: 'Too many requests at once. Send again later.' }

/** The one door for whatever is sent, on every wire: whoever finds it full is told before a byte of his is read. */
export class Admission {
  readonly #max: number
  #inProgress = 0
  #refused = 0

  constructor(max = REQUESTS_MAX) {
    this.#max = max
  }

  /** Requests that were turned away since the start. What they held is not known. */
  get refused(): number {
    return this.#refused
  }

  /** @returns what ends the request's stay, to be called once; or why it may not come in */
  enter(): (() => void) | Refusal {
    if (this.#inProgress >= this.#max) {
      this.#refused++
      return TOO_MANY
    }
    this.#inProgress++
    return () => void this.#inProgress--
  }
}
