import type { CallContext } from 'seaworthy/core'

/** What guards the calls of a client: `policy()` of seaworthy/resilience, or anything of its shape. */
export interface CallPolicy {
  run<T>(body: (call: CallContext) => Promise<T>, context?: CallContext): Promise<T>
}
