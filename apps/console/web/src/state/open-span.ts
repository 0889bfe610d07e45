import { signal } from '@preact/signals'
import { type WholeSpan, readTrace } from '../../../src/otlp/read-trace.ts'
import { fetchSpan } from './api.ts'
import { type Loading, loading } from './loading.ts'

/** All that is known of the span whose details are shown: asked for when they are. */
export class OpenSpan {
  readonly #traceId: string
  readonly state = signal<Loading<WholeSpan>>({ kind: 'loading' })
  #spanId: string | undefined
  #asked = new AbortController()

  constructor(traceId: string) {
    this.#traceId = traceId
  }

  /** Of a span that is shown already nothing more is asked: it never changes. */
  async show(spanId: string): Promise<void> {
    if (spanId === this.#spanId && this.state.value.kind !== 'failed') return
    this.#asked.abort()
    this.#spanId = spanId
    const { signal } = (this.#asked = new AbortController())
    this.state.value = { kind: 'loading' }
    const state = await loading(this.#fetch(spanId, signal))
    if (!signal.aborted) this.state.value = state
  }

  async #fetch(spanId: string, signal: AbortSignal): Promise<WholeSpan> {
    const span = readTrace(await fetchSpan(this.#traceId, spanId, signal))?.spans[0]
    if (span === undefined) throw new Error('The console has sent no span.')
    return span
  }
}
