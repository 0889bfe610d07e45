import type { Admission } from './admission.ts'
import type { AttemptFailure, ForwardedRequest, Forwarding, Upstream } from './forwarding.ts'
import type { ResponseHead } from './head.ts'

/** An answer that a client got whole. */
export interface TappedAnswer {
  readonly status: number
  /** The end-to-end field lines of the answer, each with its CRLF, as latin1. */
  readonly lines: string
  /** `too-large` where it was longer than is kept. */
  readonly body: Buffer | 'too-large'
}

export interface AnswerTapOptions {
  /** Longer bodies are passed on as ever, and not kept. */
  readonly bodyBytesMax: number
  /** Asked once for each request. @returns who wants its answer, which is told once the client has it whole; undefined where nobody does */
  tapOf(admission: Admission): ((answer: TappedAnswer) => void) | undefined
  /** Hears what one of the two threw: it does not reach the client. */
  readonly onDefect: (error: unknown) => void
}

/** Copies the answers of an upstream on their way. The client's have precedence: nothing here waits, and an answer that breaks off is not told. */
export function tapAnswers(upstream: Upstream, options: AnswerTapOptions): Upstream {
  return {
    name: upstream.name,
    forwarding(request: ForwardedRequest): Forwarding {
      const forwarding = upstream.forwarding(request)
      const tell = guarded(() => options.tapOf(request.admission), options.onDefect)
      return tell === undefined ? forwarding : new TappedForwarding(forwarding, options, tell)
    },
  }
}

function guarded<T>(body: () => T, onDefect: (error: unknown) => void): T | undefined {
  try {
    return body()
  } catch (error) {
    onDefect(error)
    return undefined
  }
}

class TappedForwarding implements Forwarding {
  readonly #forwarding: Forwarding
  readonly #options: AnswerTapOptions
  readonly #tell: (answer: TappedAnswer) => void
  #head: { readonly status: number; readonly lines: string } | undefined
  #spans: Buffer[] | undefined = []
  #bytes = 0

  constructor(forwarding: Forwarding, options: AnswerTapOptions, tell: (answer: TappedAnswer) => void) {
    this.#forwarding = forwarding
    this.#options = options
    this.#tell = tell
  }

  begin(): void {
    this.#forwarding.begin()
  }

  onArrived(): void {
    this.#forwarding.onArrived()
  }

  onHead(head: ResponseHead): Error | undefined {
    const error = this.#forwarding.onHead(head)
    if (error === undefined) this.#head = { status: head.status, lines: head.fields.endToEnd }
    return error
  }

  onBody(spans: readonly Buffer[], ends: boolean): void {
    for (const span of spans) {
      this.#bytes += span.length
      // What it is read into is read into again.
      if (this.#bytes <= this.#options.bodyBytesMax) this.#spans?.push(Buffer.from(span))
      else this.#spans = undefined
    }
    const head = this.#head
    if (!ends || head === undefined) return
    const body = this.#spans === undefined ? 'too-large' : Buffer.concat(this.#spans)
    guarded(() => this.#tell({ ...head, body }), this.#options.onDefect)
  }

  onFailed(failure: AttemptFailure): void {
    this.#forwarding.onFailed(failure)
  }

  onEnd(error: unknown): void {
    this.#spans = undefined
    this.#forwarding.onEnd(error)
  }
}
