import type { Transaction } from 'seaworthy/core'

/** Whether a module's data is still the monolith's to write: while it moves to a service, only one of both may. */
export interface Ownership {
  /** Called in the writer's transaction. @throws UnavailableError when somebody else owns it; nothing was written */
  assertOwned(tx: Transaction, key?: string): Promise<unknown>
  /** Whether the service has it for good: then nothing comes back from there, and what others tell about it is for the service alone. */
  isGone(): Promise<boolean>
}
