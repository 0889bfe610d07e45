import type { LogEntry, Message } from './adapter.ts'

/** The exchange, from the process of a relay or a consumer. A program in another language speaks the same HTTP. */
export class ExchangeClient {
  readonly #url: string
  readonly #instance: string

  constructor(url: string, instance: string) {
    this.#url = url
    this.#instance = instance
  }

  async publish(messages: readonly Message[]): Promise<void> {
    await this.#ask('POST', `/publish/${encodeURIComponent(this.#instance)}`, messages)
  }

  read({ from, max, waitMs }: { from: number; max: number; waitMs: number }): Promise<readonly LogEntry[]> {
    return this.#ask('GET', `/log/${encodeURIComponent(this.#instance)}?from=${from}&max=${max}&waitMs=${waitMs}`) as Promise<
      readonly LogEntry[]
    >
  }

  committed(): Promise<number> {
    return this.#ask('GET', `/offset/${encodeURIComponent(this.#instance)}`) as Promise<number>
  }

  async commit(next: number): Promise<void> {
    await this.#ask('PUT', `/offset/${encodeURIComponent(this.#instance)}`, next)
  }

  async #ask(method: string, path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(this.#url + path, { method, ...(body !== undefined && { body: JSON.stringify(body) }) })
    if (!response.ok) throw new Error(`The broker answered ${response.status}.`)
    return response.json()
  }
}
