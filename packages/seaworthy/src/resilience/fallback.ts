import { type CallContext, contextOrRoot, currentContext } from 'seaworthy/core'
import type { Guard } from './policy.ts'

export interface FallbackOptions {
  /** Which errors are answered with something else. Default: all but the abort of the caller, who wants no answer any more. */
  readonly handles?: (error: unknown) => boolean
  /** What is fallen back from. Default: the bare call. */
  readonly guard?: Guard
}

/** A call that has a second-best answer. Its type says so: the caller sees both. */
export interface Fallback<F> {
  run<T>(body: (call: CallContext) => Promise<T>, context?: CallContext): Promise<T | F>
}

/**
 * Answers with something else when a call fails: the last known price, an empty list, "pending". It may look at the error,
 * and may itself be asynchronous; what it throws is thrown.
 */
export function fallback<F>(answer: (error: unknown) => F | Promise<F>, options: FallbackOptions = {}): Fallback<F> {
  const { handles = () => true, guard } = options
  return {
    async run<T>(body: (call: CallContext) => Promise<T>, context: CallContext | undefined = currentContext()): Promise<T | F> {
      try {
        return await (guard === undefined ? body(context ?? contextOrRoot()) : guard.run(body, context))
      } catch (error) {
        if (context?.signal?.aborted === true || !handles(error)) throw error
        return answer(error)
      }
    },
  }
}
