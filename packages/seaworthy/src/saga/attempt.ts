import { type CallContext, type Clock, TimeoutError, withBudget, withContext } from 'seaworthy/core'

/**
 * One call with a deadline and a signal of its own. A call that heeds neither is left behind, and its outcome is unknown.
 * @throws TimeoutError (`maybe`) at the deadline; the reason of `abandoned` when that is aborted; what the call throws
 */
export async function attempt<Context extends CallContext, Result>(options: {
  readonly context: Context
  readonly timeoutMs: number
  readonly what: string
  readonly clock: Clock
  readonly abandoned: AbortSignal
  readonly call: (context: Context) => Promise<Result>
}): Promise<Result> {
  const { timeoutMs, what, clock, abandoned, call } = options
  const controller = new AbortController()
  const { signal } = controller
  const abandon = () => controller.abort(abandoned.reason)
  const timer = clock.timer(timeoutMs, () => {
    const text = `${what} gave no answer within ${timeoutMs} ms. Its outcome is unknown; it is asked again under its key.`
    controller.abort(new TimeoutError(text, timeoutMs))
  })
  try {
    abandoned.throwIfAborted()
    abandoned.addEventListener('abort', abandon, { once: true })
    const aborted = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))
    const context = { ...withBudget(options.context, timeoutMs, clock), signal } as Context
    return await Promise.race([withContext(context, async () => call(context)), aborted])
  } finally {
    timer.cancel()
    abandoned.removeEventListener('abort', abandon)
  }
}
