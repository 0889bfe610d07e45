/**
 * Outgoing calls, for undici: a guard around every request of a dispatcher, and with `setGlobalDispatcher` around every `fetch`.
 *
 * The problem: a dispatcher waits as long as it is told to, and its own retries know neither a budget nor a circuit.
 * The guarantee: a guard for each origin; a request is made again only if that can do no harm and its body can be sent again;
 * `Retry-After` is waited for; bodies are streamed, never collected; an abort ends every wait at once.
 * Not promised: the guard's time is that until the headers; reading the body is the caller's.
 */
import { type CallContext, contextOrRoot } from 'seaworthy/core'
import { connectionFailure, CONTEXT_HEADERS, FailedAnswerError, isFailedStatus, isIdempotentMethod } from 'seaworthy/http'
import type { Guard } from 'seaworthy/resilience'
import type { Dispatcher } from 'undici'

type Dispatch = Dispatcher['dispatch']
type Options = Dispatcher.DispatchOptions
type Handler = Dispatcher.DispatchHandler
type Controller = Dispatcher.DispatchController

/**
 * Makes an interceptor: `new Agent().compose(guarded((origin) => policies.of(origin)))`, with `keyed` policies for a breaker
 * each. A status of 500 or above, or 429, counts as a failure; the last such answer is delivered as it came. Upgrades and
 * CONNECT pass unguarded.
 *
 * The request fails with what the guard throws; UnavailableError when no connection came about; UnknownOutcomeError when it broke.
 */
export function guarded(guardOf: (origin: string) => Guard): Dispatcher.DispatcherComposeInterceptor {
  return (dispatch) => (options, handler) => {
    if (options.method === 'CONNECT' || Boolean(options.upgrade)) return dispatch(options, handler)
    void new GuardedRequest(dispatch, options, handler).run(guardOf)
    return true
  }
}

/** One request, and all attempts at it. To its handler it is the one controller, whichever attempt answers. */
class GuardedRequest implements Controller {
  readonly handler: Handler
  readonly what: string
  readonly #dispatch: Dispatch
  readonly #options: Options
  readonly #headers: readonly string[]
  readonly #isRepeatable: boolean
  readonly #origin: string
  readonly #aborting = new AbortController()
  #isRetriedAbove = false
  #failed: Attempt | undefined
  #answering: Attempt | undefined

  constructor(dispatch: Dispatch, options: Options, handler: Handler) {
    const { body, headers, method, origin } = options
    this.handler = handler
    this.#dispatch = dispatch
    this.#options = options
    this.#headers = headerPairs(headers).flat()
    this.#isRepeatable = body === undefined || body === null || typeof body === 'string' || ArrayBuffer.isView(body)
    this.#origin = origin === undefined ? '' : new URL(origin).origin
    this.what = `${method} ${this.#origin}`
  }

  async run(guardOf: (origin: string) => Guard): Promise<void> {
    const outer = contextOrRoot()
    this.#isRetriedAbove = outer.retriedByCaller === true
    const context = this.#contextIn(outer)
    const onAbort = () => this.#answering?.abort(context.signal!.reason as Error)
    try {
      // Before any attempt, so that an abort reaches a request that waits for its turn.
      this.handler.onRequestStart?.(this, {})
      context.signal!.addEventListener('abort', onAbort)
      await guardOf(this.#origin).run((call) => this.#attempt(call), context)
      await this.#answering?.over
    } catch (error) {
      const failed = this.#failed
      // The guard may have wrapped it, to say that an earlier attempt is of unknown outcome.
      if (failed !== undefined && (error === failed.failure || (error as Error | null)?.cause === failed.failure)) {
        this.#answering = failed
        failed.deliver()
        await failed.over
      } else {
        failed?.discard()
        this.handler.onResponseError?.(this, error as Error)
      }
    } finally {
      context.signal!.removeEventListener('abort', onAbort)
    }
  }

  /** The attempt whose answer is delivered: the first that has a good one. @returns false when there is one already */
  answers(attempt: Attempt): boolean {
    if (this.#answering !== undefined) return false
    this.#answering = attempt
    return true
  }

  failedWith(attempt: Attempt): void {
    this.#failed = attempt
  }

  #contextIn(context: CallContext): CallContext {
    const { signal } = this.#aborting
    const { method } = this.#options
    const at = this.#headers.findIndex((name, index) => index % 2 === 0 && name.toLowerCase() === CONTEXT_HEADERS.idempotencyKey)
    return {
      ...context,
      signal: context.signal === undefined ? signal : AbortSignal.any([signal, context.signal]),
      // The method's own promise, in the place of a key: it is seen by the guard alone.
      idempotencyKey: at >= 0 ? this.#headers[at + 1] : isIdempotentMethod(method) ? `method ${method}` : undefined,
      // A stream is gone after the first attempt.
      ...(!this.#isRepeatable && { retriedByCaller: true }),
    }
  }

  #attempt(call: CallContext): Promise<void> {
    // An answer that nobody reads keeps its connection.
    this.#failed?.discard()
    this.#failed = undefined
    return new Promise((resolve, reject) => {
      const attempt = new Attempt(this, call.signal, resolve, reject)
      const isRetriedHere = call.retriedByCaller === true && this.#isRepeatable
      const headers = isRetriedHere || this.#isRetriedAbove ? [...this.#headers, CONTEXT_HEADERS.retriedByCaller, '1'] : [...this.#headers]
      this.#dispatch({ ...this.#options, headers }, attempt)
    })
  }

  abort(reason: Error): void {
    this.#aborting.abort(reason)
  }

  pause(): void {
    this.#answering?.controller?.pause()
  }

  resume(): void {
    this.#answering?.controller?.resume()
  }

  get aborted(): boolean {
    return this.#aborting.signal.aborted
  }

  get reason(): Error | null {
    return (this.#aborting.signal.reason as Error | undefined) ?? null
  }

  get paused(): boolean {
    return this.#answering?.controller?.paused ?? false
  }

  get rawHeaders() {
    return this.#answering?.controller?.rawHeaders ?? null
  }

  get rawTrailers() {
    return this.#answering?.controller?.rawTrailers ?? null
  }
}

/** As much of an answer that nobody wants is read to keep its connection; of a longer one the connection is closed. */
const DRAINED_BYTES_MAX = 65_536

type Trailers = Parameters<NonNullable<Handler['onResponseEnd']>>[1]
type Ending = { readonly trailers: Trailers } | { readonly error: Error }

/**
 * - `sent`: no answer yet.
 * - `held`: a failed answer, paused until the guard has decided; what arrives nevertheless is kept for its handler.
 * - `answering`: everything goes to the request's handler.
 * - `discarded`: everything is dropped.
 */
type Phase =
  | { readonly kind: 'sent' }
  | { readonly kind: 'held'; readonly start: () => void; readonly chunks: Buffer[]; ending?: Ending }
  | { readonly kind: 'answering' }
  | { readonly kind: 'discarded'; bytes: number }

class Attempt implements Handler {
  controller: Controller | undefined
  failure: FailedAnswerError | undefined
  /** Settles when an answer that is delivered has been. */
  readonly over: Promise<void>
  readonly #request: GuardedRequest
  readonly #signal: AbortSignal | undefined
  readonly #resolve: () => void
  readonly #reject: (error: unknown) => void
  readonly #end: () => void
  readonly #onAbort = () => this.abort(this.#signal?.reason as Error)
  #phase: Phase = { kind: 'sent' }

  constructor(request: GuardedRequest, signal: AbortSignal | undefined, resolve: () => void, reject: (error: unknown) => void) {
    this.#request = request
    this.#signal = signal
    this.#resolve = resolve
    this.#reject = reject
    const { promise, resolve: end } = Promise.withResolvers<void>()
    this.over = promise
    this.#end = end
    signal?.addEventListener('abort', this.#onAbort)
  }

  abort(reason: Error): void {
    this.controller?.abort(reason)
  }

  onRequestStart(controller: Controller): void {
    this.controller = controller
    if (this.#signal?.aborted === true) this.#onAbort()
  }

  onResponseStart(controller: Controller, status: number, headers: Record<string, string | string[] | undefined>, message?: string): void {
    this.controller = controller
    const start = () => this.#request.handler.onResponseStart?.(this.#request, status, headers, message)
    if (status < 200) {
      start()
      return
    }
    this.#settled()
    if (isFailedStatus(status)) {
      controller.pause()
      this.failure = new FailedAnswerError(this.#request.what, status, (name) => headers[name]?.toString())
      this.#phase = { kind: 'held', start, chunks: [] }
      this.#request.failedWith(this)
      this.#reject(this.failure)
    } else if (this.#request.answers(this)) {
      this.#phase = { kind: 'answering' }
      this.#resolve()
      start()
    } else this.discard()
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    const phase = this.#phase
    if (phase.kind === 'answering') this.#request.handler.onResponseData?.(this.#request, chunk)
    else if (phase.kind === 'held') phase.chunks.push(chunk)
    else if (phase.kind === 'discarded') {
      phase.bytes += chunk.length
      if (phase.bytes > DRAINED_BYTES_MAX) controller.abort(new Error('Nobody reads this answer.'))
    }
  }

  onResponseEnd(_controller: Controller, trailers: Trailers): void {
    this.#ended({ trailers })
  }

  onResponseError(_controller: Controller, error: Error): void {
    this.#settled()
    if (this.#phase.kind === 'sent') {
      const { code } = error as { code?: string }
      this.#reject(this.#signal?.aborted === true ? this.#signal.reason : connectionFailure(this.#request.what, code, error))
    } else this.#ended({ error })
  }

  onBodySent(chunk: Buffer): void {
    this.#request.handler.onBodySent?.(chunk)
  }

  /** Gives the answer that was held to the handler after all. */
  deliver(): void {
    if (this.#phase.kind !== 'held') return
    const { start, chunks, ending } = this.#phase
    this.#phase = { kind: 'answering' }
    try {
      start()
      for (const chunk of chunks) this.#request.handler.onResponseData?.(this.#request, chunk)
    } catch (error) {
      if (ending === undefined) this.abort(error as Error)
      else this.#ended({ error: error as Error })
      return
    }
    if (ending === undefined) this.controller?.resume()
    else this.#ended(ending)
  }

  discard(): void {
    const wasHeld = this.#phase.kind === 'held'
    this.#phase = { kind: 'discarded', bytes: 0 }
    if (wasHeld) this.controller?.resume()
  }

  #ended(ending: Ending): void {
    if (this.#phase.kind === 'held') this.#phase.ending = ending
    else if (this.#phase.kind === 'answering') {
      this.#end()
      const { handler } = this.#request
      if ('error' in ending) handler.onResponseError?.(this.#request, ending.error)
      else handler.onResponseEnd?.(this.#request, ending.trailers)
    }
  }

  /** What happens to the attempt's own signal from now on is no matter of this answer. */
  #settled(): void {
    this.#signal?.removeEventListener('abort', this.#onAbort)
  }
}

/** Headers as undici takes them, in all their forms. */
function headerPairs(headers: Options['headers']): [string, string][] {
  if (headers === undefined || headers === null) return []
  if (Array.isArray(headers)) {
    const names = headers.filter((_, index) => index % 2 === 0)
    return names.map((name, index) => [name, String(headers[2 * index + 1])])
  }
  const entries = Symbol.iterator in headers ? [...headers] : Object.entries(headers)
  return entries.flatMap(([name, value]) => [value ?? []].flat().map((one): [string, string] => [name, String(one)]))
}
