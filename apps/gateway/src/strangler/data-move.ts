import { type Clock, sleep, UnavailableError } from 'seaworthy/core'
import type { Side } from './rule.ts'

/** Hands the data of a route over, and back, together with its writes. */
export interface DataMove {
  /** @returns why the data did not move; undefined when the new side owns it */
  toNew(signal: AbortSignal): Promise<string | undefined>
  /** @returns why it did not move back; undefined when the old side owns it, but for what it does not have yet */
  toOld(signal: AbortSignal): Promise<string | undefined>
  /** @returns the side that owns the data, once that is decided and both sides act by it; undefined when the signal ended first */
  owner(signal: AbortSignal): Promise<Side | undefined>
  /** @returns what stands for everything that was written on a side until now */
  token(side: Side, signal: AbortSignal): Promise<string>
  /** @returns the keys that the old side does not have yet after a rollback; undefined once it has all, or was not asked to take them */
  held(signal: AbortSignal): Promise<readonly string[] | undefined>
  /** Whether the other side has what a token of this one stands for. */
  hasCome(token: string, side: Side, signal: AbortSignal): Promise<boolean>
}

const ASK_AGAIN_MS = 50
const NAMES: Readonly<Record<Side, string>> = { from: 'old', to: 'new' }

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
    return this.#move('switch', 'to', signal)
  }

  toOld(signal: AbortSignal): Promise<string | undefined> {
    return this.#move('rollback', 'from', signal)
  }

  async owner(signal: AbortSignal): Promise<Side | undefined> {
    for (;;) {
      const phase = await this.#settledPhase(signal)
      if (phase !== undefined) return sideAt(phase)
      if (signal.aborted) return undefined
      await sleep(this.#clock, ASK_AGAIN_MS)
    }
  }

  async token(side: Side, signal: AbortSignal): Promise<string> {
    const { status, body } = await this.#ask('GET', `token?side=${NAMES[side]}`, signal)
    if (status !== 200 || !('token' in body)) throw new UnavailableError(`${this.#url} gives no token: it answered ${status}.`)
    return String(body.token)
  }

  async held(signal: AbortSignal): Promise<readonly string[] | undefined> {
    const { status, body } = await this.#ask('GET', 'held', signal)
    if (status === 200 && 'phase' in body && body.phase !== 'returning') return undefined
    if (status !== 200 || !('keys' in body) || !Array.isArray(body.keys))
      throw new UnavailableError(`${this.#url} does not say which keys are held: it answered ${status}.`)
    return (body.keys as { key: string }[]).map(({ key }) => key)
  }

  async hasCome(token: string, side: Side, signal: AbortSignal): Promise<boolean> {
    const other = NAMES[side === 'from' ? 'to' : 'from']
    const { body } = await this.#ask('GET', `route?wish=${other}&token=${encodeURIComponent(token)}`, signal)
    return 'read' in body && body.read === other
  }

  async #move(command: 'switch' | 'rollback', wanted: Side, signal: AbortSignal): Promise<string | undefined> {
    const asked = await this.#ask('POST', command, signal).catch((error: unknown) => ({ status: 0, body: { detail: String(error) } }))
    for (;;) {
      // What was asked for may have been carried out although the answer says nothing of it.
      const phase = await this.#settledPhase(signal)
      if (phase !== undefined && sideAt(phase) === wanted) return undefined
      if (phase !== undefined) return 'detail' in asked.body ? asked.body.detail : `the data is at '${phase}'`
      if (signal.aborted) return 'whether the data has moved is not known: its process gave no answer'
      await sleep(this.#clock, ASK_AGAIN_MS)
    }
  }

  /** Where the data is; undefined while that is being decided, or not known. */
  async #settledPhase(signal: AbortSignal): Promise<string | undefined> {
    const { status, body } = await this.#ask('GET', 'route', signal).catch(() => ({ status: 0, body: {} }))
    return status === 200 && 'phase' in body && 'settled' in body && body.settled === true ? String(body.phase) : undefined
  }

  async #ask(method: 'GET' | 'POST', path: string, signal: AbortSignal): Promise<{ readonly status: number; readonly body: object }> {
    const answer = await fetch(new URL(path, this.#url), { method, signal, headers: { authorization: `Bearer ${this.#token}` } })
    const body: unknown = await answer.json()
    return { status: answer.status, body: typeof body === 'object' && body !== null ? body : {} }
  }
}

/** Who takes the writes at a phase that is settled. */
function sideAt(phase: string): Side {
  return phase === 'new' || phase === 'retired' ? 'to' : 'from'
}
