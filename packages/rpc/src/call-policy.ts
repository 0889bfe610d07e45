import type { CallContext } from 'seaworthy/core'

/** What guards the calls of a client: `policy()` of seaworthy/resilience, or anything of its shape. */
export interface CallPolicy {
  /** What it is called, for traces and metrics: usually after whom it guards calls to. */
  readonly name?: string
  run<T>(body: (call: CallContext) => Promise<T>, context?: CallContext): Promise<T>
}
