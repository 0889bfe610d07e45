import type { Route, SideName } from '@seaworthy/strangler/cut-over'

/** The header by which a request says at which side it has to be read; the gateway's file has a route for each value. */
export const PIN_HEADER = 'x-reviews-at'

/** Where the cut-over is asked, and what it is shown. */
export interface CutOverAddress {
  readonly url: string
  readonly token: string
}

/**
 * Keeps one user from reading less than he has written, as the shop's front end would: after a write it asks the cut-over for a token, and until the other side has
 * the write too, his reads go to where he wrote. Without it, whoever is moved while the monolith still owns the data reads what the feed has brought over so far.
 */
export class ReadOwnWrites {
  readonly #cutOver: CutOverAddress
  #last: { readonly key: string; readonly token: string } | undefined
  #asking: Promise<unknown> = Promise.resolve()
  #isOver = false
  /** Reads that went to the side of the write because the other did not have it yet. */
  pins = 0

  constructor(cutOver: CutOverAddress) {
    this.#cutOver = cutOver
  }

  /** @param key of what was just written */
  async wrote(key: string): Promise<void> {
    await this.#whileItMoves(async () => {
      const { read: owner } = await this.#ask<Route>('route', { key })
      const { token } = await this.#ask<{ token: string }>('token', { side: owner })
      this.#last = { key, token }
      return undefined
    })
  }

  /** Where his next read has to go; undefined where either side will do. */
  pinned(): Promise<SideName | undefined> {
    return this.#whileItMoves(async () => {
      if (this.#last === undefined) return undefined
      const { key, token } = this.#last
      const written: SideName = token.startsWith('old.') ? 'old' : 'new'
      const other: SideName = written === 'old' ? 'new' : 'old'
      const { read } = await this.#ask<Route>('route', { key, token, wish: other })
      if (read === written) {
        this.pins++
        return written
      }
      this.#last = undefined
      return undefined
    })
  }

  /** Asks nothing any more: one side has everything for good. Settles when the last question was answered. */
  async end(): Promise<void> {
    this.#isOver = true
    await this.#asking
  }

  #whileItMoves<T>(ask: () => Promise<T | undefined>): Promise<T | undefined> {
    if (this.#isOver) return Promise.resolve(undefined)
    const asked = ask()
    this.#asking = asked.catch(() => undefined)
    return asked
  }

  async #ask<Answer>(question: string, query: Readonly<Record<string, string>>): Promise<Answer> {
    const { url, token } = this.#cutOver
    const response = await fetch(new URL(`${question}?${new URLSearchParams(query).toString()}`, url), {
      headers: { authorization: `Bearer ${token}` },
    })
    if (!response.ok) throw new Error(`The cut-over answered ${response.status}: ${await response.text()}`)
    return (await response.json()) as Answer
  }
}
