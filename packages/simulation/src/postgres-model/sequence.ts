/** Values that are written ahead to the log, so that not every `nextval` waits for it. */
const VALUES_AHEAD = 32

/**
 * A sequence. What it gave out stays given out, whatever becomes of the transaction: numbers have gaps, and are in the order of `nextval`,
 * not of commits. It logs 32 values ahead, and after a crash goes on behind them.
 */
export class Sequence {
  #last = 0
  #loggedAhead = 0

  /** `logged`: the call wrote to the log, for which PostgreSQL gives the transaction an id. */
  next(): { readonly value: number; readonly logged: boolean } {
    const logged = this.#loggedAhead === 0
    this.#loggedAhead = logged ? VALUES_AHEAD : this.#loggedAhead - 1
    return { value: ++this.#last, logged }
  }

  /** What a crash of the server leaves. */
  recover(): void {
    this.#last += this.#loggedAhead
    this.#loggedAhead = 0
  }
}
