import { signal } from '@preact/signals'
import { useEffect, useMemo } from 'preact/hooks'
import type { ListedTrace } from '../../../../src/http/answers.ts'
import type { TraceFilter } from './route.ts'
import { fetchTraces } from '../../state/api.ts'
import { onTraces } from '../../state/live.ts'

/** The list of traces: what of it is there, and what is on its way. */
export type ListState =
  | { readonly kind: 'loading' }
  | { readonly kind: 'failed'; readonly why: string }
  | {
      readonly kind: 'loaded'
      readonly traces: readonly ListedTrace[]
      readonly nextBefore: string | undefined
      readonly hasOlderPages: boolean
    }

/** While news stream in, the list is asked for at most once in this time. */
const REFRESH_MS = 1_000

/** The traces that match, kept fresh while `live` and no older page was asked for: then rows must not move under the reader. */
export class TraceList {
  readonly state = signal<ListState>({ kind: 'loading' })
  readonly live = signal(true)
  readonly #filter: TraceFilter
  readonly #ending = new AbortController()
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(filter: TraceFilter) {
    this.#filter = filter
  }

  start(): () => void {
    void this.refresh()
    const stop = onTraces(() => this.#news())
    return () => {
      stop()
      clearTimeout(this.#timer)
      this.#ending.abort()
    }
  }

  async refresh(): Promise<void> {
    await this.#load(async () => {
      const { traces, nextBefore } = await fetchTraces(this.#filter, { signal: this.#ending.signal })
      this.#show(traces, nextBefore, false)
    })
  }

  async loadOlder(): Promise<void> {
    const current = this.state.value
    if (current.kind !== 'loaded' || current.nextBefore === undefined) return
    const before = current.nextBefore
    await this.#load(async () => {
      const older = await fetchTraces(this.#filter, { before, signal: this.#ending.signal })
      this.#show([...current.traces, ...older.traces], older.nextBefore, true)
    })
  }

  #show(traces: readonly ListedTrace[], nextBefore: string | undefined, hasOlderPages: boolean): void {
    this.state.value = { kind: 'loaded', traces, nextBefore, hasOlderPages }
  }

  async #load(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (this.#ending.signal.aborted) return
      this.state.value = { kind: 'failed', why: error instanceof Error ? error.message : String(error) }
    }
  }

  #news(): void {
    const current = this.state.peek()
    if (!this.live.peek() || (current.kind === 'loaded' && current.hasOlderPages)) return
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      void this.refresh()
    }, REFRESH_MS)
  }
}

export function useTraceList(filter: TraceFilter): TraceList {
  const { text, service, outcome, minDurationMs, showsBackground, call } = filter
  const list = useMemo(
    () => new TraceList({ text, service, outcome, minDurationMs, showsBackground, call }),
    [text, service, outcome, minDurationMs, showsBackground, call?.caller, call?.callee],
  )
  useEffect(() => list.start(), [list])
  return list
}
