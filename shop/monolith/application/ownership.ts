import type { Transaction } from 'seaworthy/core'

/** Whether a module's data is still the monolith's to write: while it moves to a service, only one of both may. */
export interface Ownership {
  /** Called in the writer's transaction. @throws UnavailableError when somebody else owns it; nothing was written */
  assertOwned(tx: Transaction, key?: string): Promise<unknown>
}
