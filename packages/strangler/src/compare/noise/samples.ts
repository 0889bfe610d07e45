import type { Json } from '../json.ts'

/** A value of the monolith, and when its answer came. */
export interface Sample {
  readonly value: Json
  readonly atMs: number
}

/** Two values of one field in answers of the monolith to the same request, the earlier one first. */
export interface Pair {
  readonly a: Json
  readonly b: Json
}

/** The first ones and the last ones of a series without end. */
export class Samples<T> {
  readonly #first: T[] = []
  readonly #last: T[] = []
  readonly #each: number
  #next = 0
  count = 0

  constructor(max: number) {
    this.#each = Math.floor(max / 2)
  }

  add(sample: T): void {
    this.count++
    if (this.#first.length < this.#each) this.#first.push(sample)
    else {
      this.#last[this.#next] = sample
      this.#next = (this.#next + 1) % this.#each
    }
  }

  get all(): readonly T[] {
    return [...this.#first, ...this.#last]
  }
}
