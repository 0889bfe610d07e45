/** The outcomes of the last calls, in a ring: recording one takes the same time whatever the size. */
export class CountWindow {
  readonly #failed: Uint8Array
  #next = 0
  #calls = 0
  #failures = 0

  constructor(callsMax: number) {
    this.#failed = new Uint8Array(callsMax)
  }

  get calls(): number {
    return this.#calls
  }

  get failures(): number {
    return this.#failures
  }

  record(failed: boolean): void {
    if (this.#calls === this.#failed.length) this.#failures -= this.#failed[this.#next]!
    else this.#calls++
    this.#failed[this.#next] = failed ? 1 : 0
    if (failed) this.#failures++
    this.#next = this.#next + 1 === this.#failed.length ? 0 : this.#next + 1
  }

  clear(): void {
    this.#next = 0
    this.#calls = 0
    this.#failures = 0
  }
}
