import type { CutOverStatus, Verification } from '@seaworthy/strangler/cut-over'
import { UnavailableError } from 'seaworthy/core'
import { eventually } from '../eventually.ts'

/** What people ask the cut-over that moves the data of a service, in the service's own process. */
export class CutOver {
  /** For the gateway, too. */
  readonly url: string
  readonly #token: string

  /** @param serviceUrl where the service is that takes the data over */
  constructor(serviceUrl: string, token: string) {
    this.url = new URL('/internal/cut-over/', serviceUrl).href
    this.#token = token
  }

  async status(): Promise<CutOverStatus> {
    return (await this.#ask('GET', 'status')) as CutOverStatus
  }

  /** Until the copy is there and compared key by key. */
  untilReady(): Promise<CutOverStatus> {
    return eventually(
      'the data is ready',
      () => this.status(),
      ({ readiness }) => readiness.ready,
    )
  }

  /** Compares both sides, key by key. */
  async verify(): Promise<Verification> {
    return (await this.#ask('POST', 'verify')) as Verification
  }

  /** Gives up the way back. */
  async retire(): Promise<void> {
    await this.#ask('POST', 'retire')
  }

  async #ask(method: 'GET' | 'POST', question: string): Promise<unknown> {
    const answer = await fetch(new URL(question, this.url), { method, headers: { authorization: `Bearer ${this.#token}` } })
    if (!answer.ok) throw new UnavailableError(`The cut-over answered ${answer.status} to ${question}: ${await answer.text()}`)
    return answer.json()
  }
}
