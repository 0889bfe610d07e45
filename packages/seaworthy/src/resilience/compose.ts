import { type CallContext, contextOrRoot } from 'seaworthy/core'
import type { Guard } from './policy.ts'

/**
 * Guards one inside the other, the first outermost, in an order of your own. What `policy` has in its fixed order is
 * cheaper fused: here each guard costs a frame of its own.
 */
export function compose(...guards: readonly Guard[]): Guard {
  return {
    async run<T>(body: (call: CallContext) => Promise<T>, context?: CallContext): Promise<T> {
      const from = (index: number, call: CallContext | undefined): Promise<T> => {
        const guard = guards[index]
        return guard === undefined ? body(call ?? contextOrRoot()) : guard.run((inner) => from(index + 1, inner), call)
      }
      return from(0, context)
    },
  }
}
