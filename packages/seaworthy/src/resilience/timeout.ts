import type { CallContext, Clock } from 'seaworthy/core'

/** When, and with what, an attempt is given up. */
export interface TimeLimit {
  /** On the monotonic clock; Infinity for none. */
  readonly deadlineMs: number
  readonly reason: () => Error
}

/** How an attempt went, for those who keep count. */
export interface AttemptListener {
  /** The caller has its answer: called once. `by` tells whether the body gave it, or it was cut short. */
  answered(by: 'value' | 'error' | 'timeout' | 'abort', error?: unknown): void
  /** The body has ended: called once, at the same time or, when the answer was cut short, later. */
  ended(): void
}

/**
 * Calls `body` and answers at the latest at the limit, or when the context's signal is aborted, whatever the body
 * does. The body is told through its own context: a deadline, and a signal that is made only if it asks for it. What
 * it answers later is dropped.
 */
export function callWithin<T>(
  body: (call: CallContext) => Promise<T>,
  context: CallContext,
  limit: TimeLimit,
  clock: Clock,
  listener: AttemptListener,
): Promise<T> {
  const outer = context.signal
  const bounded = limit.deadlineMs !== Number.POSITIVE_INFINITY
  return new Promise((resolve, reject) => {
    const inner = new LazySignal()
    let open = true
    const close = () => {
      open = false
      timer?.cancel()
      outer?.removeEventListener('abort', onAbort)
    }
    const cutShort = (by: 'timeout' | 'abort', reason: unknown) => {
      close()
      listener.answered(by, reason)
      reject(reason)
      inner.abort(reason)
    }
    const onAbort = () => cutShort('abort', outer?.reason)
    const timer = bounded ? clock.timer(limit.deadlineMs - clock.monotonicMs(), () => cutShort('timeout', limit.reason())) : undefined
    outer?.addEventListener('abort', onAbort, { once: true })

    const call: CallContext = bounded
      ? {
          ...context,
          deadlineMs: limit.deadlineMs,
          get signal() {
            return inner.signal
          },
        }
      : context
    const onValue = (value: T) => {
      listener.ended()
      if (!open) return
      close()
      listener.answered('value')
      resolve(value)
    }
    const onError = (error: unknown) => {
      listener.ended()
      if (!open) return
      close()
      listener.answered('error', error)
      reject(error)
    }
    started(body, call).then(onValue, onError)
  })
}

/** The body's promise, also for a body that throws before it has one. */
function started<T>(body: (call: CallContext) => Promise<T>, call: CallContext): Promise<T> {
  try {
    return Promise.resolve(body(call))
  } catch (error) {
    return Promise.reject(error)
  }
}

/** An abort signal that costs nothing until somebody asks for it; asked for after the abort, it is aborted. */
class LazySignal {
  #controller: AbortController | undefined
  #aborted: { readonly reason: unknown } | undefined

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#aborted !== undefined) this.#controller.abort(this.#aborted.reason)
    }
    return this.#controller.signal
  }

  abort(reason: unknown): void {
    this.#aborted = { reason }
    this.#controller?.abort(reason)
  }
}

/** True for the error that `AbortSignal` and the web's APIs reject with when somebody aborted without a reason of their own. */
export function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}
