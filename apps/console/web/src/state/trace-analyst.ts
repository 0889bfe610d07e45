import type { TimePart } from 'seaworthy/trace-analysis'
import type { PathView } from '../view-model/path-view.ts'
import type { ShownVerdict } from '../view-model/verdict-view.ts'

/** What the page shows of where the time of a trace went. Plain data, which can be sent from one thread to another. */
export interface Judgement {
  readonly verdict: ShownVerdict
  readonly path: PathView | undefined
}

export type AnalystQuestion =
  /** `lines`: of the trace's outline. */
  | { readonly kind: 'judge'; readonly number: number; readonly lines: readonly string[] }
  | { readonly kind: 'parts'; readonly number: number; readonly spanId: string }

export type AnalystAnswer =
  | { readonly kind: 'judgement'; readonly number: number; readonly judgement: Judgement | undefined }
  | { readonly kind: 'parts'; readonly number: number; readonly parts: readonly TimePart[] | undefined }

type Waiting = { readonly resolve: (answer: AnalystAnswer) => void; readonly reject: (error: Error) => void }

/** Judges a trace on a thread of its own: of fifty thousand spans that takes as long as sixty frames. */
export class TraceAnalyst {
  readonly #worker = new Worker(new URL('./verdict-worker.ts', import.meta.url), { type: 'module', name: 'verdict' })
  readonly #waiting = new Map<number, Waiting>()
  #number = 0

  constructor() {
    this.#worker.addEventListener('message', ({ data }: MessageEvent<AnalystAnswer>) => {
      this.#waiting.get(data.number)?.resolve(data)
      this.#waiting.delete(data.number)
    })
    // What its script throws, or that it could not be brought. Whoever waits would do so for good.
    this.#worker.addEventListener('error', (event) => {
      event.preventDefault()
      const error = new Error(event.message || 'its script could not be brought: load the page again')
      for (const { reject } of this.#waiting.values()) reject(error)
      this.#waiting.clear()
    })
  }

  /** Undefined for a trace without spans. */
  async judge(lines: readonly string[]): Promise<Judgement | undefined> {
    const answer = await this.#ask({ kind: 'judge', number: ++this.#number, lines })
    return answer.kind === 'judgement' ? answer.judgement : undefined
  }

  /** Where the time of a span went, of the trace that was judged last. */
  async partsOf(spanId: string): Promise<readonly TimePart[] | undefined> {
    const answer = await this.#ask({ kind: 'parts', number: ++this.#number, spanId })
    return answer.kind === 'parts' ? answer.parts : undefined
  }

  /** What is still asked is never answered. */
  close(): void {
    this.#worker.terminate()
    this.#waiting.clear()
  }

  #ask(question: AnalystQuestion): Promise<AnalystAnswer> {
    const { promise, resolve, reject } = Promise.withResolvers<AnalystAnswer>()
    this.#waiting.set(question.number, { resolve, reject })
    // Nothing is handed over, all is copied.
    this.#worker.postMessage(question, [])
    return promise
  }
}
