import { signal } from '@preact/signals'

/** What was asked for, with what the answer holds once it is there. */
export type Loading<Answer extends object> =
  | { readonly kind: 'loading' }
  | { readonly kind: 'failed'; readonly why: string }
  | ({ readonly kind: 'loaded' } & Answer)

/** An answer that is asked for again and again while the page is looked at. */
export class Refreshed<Answer extends object> {
  readonly state = signal<Loading<Answer>>({ kind: 'loading' })
  /** Why the last refresh failed, while what it would have replaced is still shown. */
  readonly stale = signal<string | undefined>(undefined)
  readonly #fetch: (signal: AbortSignal) => Promise<Answer>
  readonly #everyMs: number
  readonly #ending = new AbortController()

  constructor(fetch: (signal: AbortSignal) => Promise<Answer>, everyMs: number) {
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
      const answer = await this.#fetch(this.#ending.signal)
      if (this.#ending.signal.aborted) return
      this.loaded(answer)
      this.state.value = { kind: 'loaded', ...answer }
      this.stale.value = undefined
    } catch (error) {
      if (this.#ending.signal.aborted) return
      const why = error instanceof Error ? error.message : String(error)
      if (this.state.peek().kind === 'loaded') this.stale.value = why
      else this.state.value = { kind: 'failed', why }
    }
  }

  /** Called with each answer before it is shown. */
  protected loaded(_answer: Answer): void {}
}
