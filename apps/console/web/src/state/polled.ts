import { signal } from '@preact/signals'

export type Loading<Service> =
  | { readonly kind: 'loading' }
  | { readonly kind: 'failed'; readonly why: string }
  | { readonly kind: 'loaded'; readonly services: readonly Service[] }

/** What services say of themselves, asked for again and again while the page is looked at. */
export class Polled<Service> {
  readonly state = signal<Loading<Service>>({ kind: 'loading' })
  /** Why the last refresh failed, while what it would have replaced is still shown. */
  readonly stale = signal<string | undefined>(undefined)
  readonly #fetch: (signal: AbortSignal) => Promise<{ readonly services: readonly Service[] }>
  readonly #everyMs: number
  readonly #ending = new AbortController()

  constructor(fetch: (signal: AbortSignal) => Promise<{ readonly services: readonly Service[] }>, everyMs: number) {
    this.#fetch = fetch
    this.#everyMs = everyMs
  }

  start(): () => void {
    void this.refresh()
    const timer = setInterval(() => {
      if (!document.hidden) void this.refresh()
    }, this.#everyMs)
    return () => {
      clearInterval(timer)
      this.#ending.abort()
    }
  }

  async refresh(): Promise<void> {
    try {
      const { services } = await this.#fetch(this.#ending.signal)
      this.loaded(services)
      this.state.value = { kind: 'loaded', services }
      this.stale.value = undefined
    } catch (error) {
      if (this.#ending.signal.aborted) return
      const why = error instanceof Error ? error.message : String(error)
      if (this.state.peek().kind === 'loaded') this.stale.value = why
      else this.state.value = { kind: 'failed', why }
    }
  }

  /** Called with each answer before it is shown. */
  protected loaded(_services: readonly Service[]): void {}
}
