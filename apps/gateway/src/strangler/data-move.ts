import { type Clock, sleep } from 'seaworthy/core'

/** Hands the data of a route over, and back, together with its writes. */
export interface DataMove {
  /** @returns why the data did not move; undefined when the new side owns it */
  toNew(signal: AbortSignal): Promise<string | undefined>
  /** @returns why it did not move back; undefined when the old side owns it, but for what it does not have yet */
  toOld(signal: AbortSignal): Promise<string | undefined>
}

const ASK_AGAIN_MS = 50

/** A process of `@seaworthy/strangler/cut-over`, over its HTTP surface. Whatever becomes of an answer, it is asked until it says who owns the data. */
export class HttpDataMove implements DataMove {
  readonly #url: string
  readonly #token: string
  readonly #clock: Clock

  constructor(url: string, token: string, clock: Clock) {
    this.#url = url.endsWith('/') ? url : `${url}/`
    this.#token = token
    this.#clock = clock
  }

  toNew(signal: AbortSignal): Promise<string | undefined> {
    return this.#move('switch', (phase) => phase === 'new' || phase === 'retired', signal)
  }

  toOld(signal: AbortSignal): Promise<string | undefined> {
    return this.#move('rollback', (phase) => phase === 'old' || phase === 'returning', signal)
  }

  async #move(command: 'switch' | 'rollback', isThere: (phase: string) => boolean, signal: AbortSignal): Promise<string | undefined> {
    const asked = await this.#ask('POST', command, signal).catch((error: unknown) => ({ status: 0, body: { detail: String(error) } }))
    for (;;) {
      // What was asked for may have been carried out although the answer says nothing of it.
      const { status, body } = await this.#ask('GET', 'route', signal).catch(() => ({ status: 0, body: {} }))
      const phase = status === 200 && 'phase' in body && 'settled' in body && body.settled === true ? String(body.phase) : undefined
      if (phase !== undefined && isThere(phase)) return undefined
      if (phase !== undefined) return 'detail' in asked.body ? String(asked.body.detail) : `the data is at '${phase}'`
      if (signal.aborted) return 'whether the data has moved is not known: its process gave no answer'
      await sleep(this.#clock, ASK_AGAIN_MS)
    }
  }

  async #ask(method: 'GET' | 'POST', path: string, signal: AbortSignal): Promise<{ readonly status: number; readonly body: object }> {
    const answer = await fetch(new URL(path, this.#url), { method, signal, headers: { authorization: `Bearer ${this.#token}` } })
    const body: unknown = await answer.json()
    return { status: answer.status, body: typeof body === 'object' && body !== null ? body : {} }
  }
}
