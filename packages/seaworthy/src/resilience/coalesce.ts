import { type CallContext, contextOrRoot } from 'seaworthy/core'

/** One call that several callers wait for. */
interface Shared<T> {
  readonly answer: Promise<T>
  readonly controller: AbortController
  callers: number
}

export interface Coalescing<K, T> {
  /** Calls under way. */
  readonly size: number
  /**
   * Joins the call for `key` that is under way, or makes it. An abort ends the caller's own wait at once, with its reason; the
   * shared call is aborted when its last caller has left.
   */
  run(key: K, body: (call: CallContext) => Promise<T>, context?: CallContext): Promise<T>
}

/**
 * Makes equal calls once: a thousand requests for one product that is not in the cache ask its receiver once. Nothing is kept
 * once the answer is there. Only for calls whose answer may be shared: same key, same answer, whoever asks.
 * The shared call has the correlation of its first caller, no deadline and no idempotency key: put a timeout inside.
 */
export function coalescing<K, T>(): Coalescing<K, T> {
  const underWay = new Map<K, Shared<T>>()

  function begin(key: K, body: (call: CallContext) => Promise<T>, context: CallContext): Shared<T> {
    const controller = new AbortController()
    const call: CallContext = { ...context, deadlineMs: undefined, idempotencyKey: undefined, signal: controller.signal }
    const answer = (async () => body(call))().finally(() => {
      // A call whose callers all left may still end: by then the key may belong to another.
      if (underWay.get(key) === shared) underWay.delete(key)
    })
    const shared: Shared<T> = { answer, controller, callers: 0 }
    underWay.set(key, shared)
    return shared
  }

  return {
    get size() {
      return underWay.size
    },
    async run(key, body, context = contextOrRoot()) {
      const { signal } = context
      signal?.throwIfAborted()
      const shared = underWay.get(key) ?? begin(key, body, context)
      shared.callers++
      const { promise: left, reject } = Promise.withResolvers<never>()
      const onAbort = () => reject(signal?.reason)
      signal?.addEventListener('abort', onAbort, { once: true })
      try {
        return await Promise.race([shared.answer, left])
      } finally {
        signal?.removeEventListener('abort', onAbort)
        // The last caller left before the answer came. A call that has answered is not aborted: its answer may still be read from.
        if (--shared.callers === 0 && underWay.get(key) === shared) {
          underWay.delete(key)
          shared.controller.abort(signal?.reason)
        }
      }
    },
  }
}
