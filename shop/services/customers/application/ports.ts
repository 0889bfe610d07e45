import type { Transaction } from 'seaworthy/core'
import type { Customer } from '../domain/customer.ts'

/** Whether the customers are this service's to write: while they move to it or back, only one side may. */
export interface Ownership {
  /** Called in the writer's transaction. @throws UnavailableError when somebody else owns them; nothing was written */
  assertOwned(tx: Transaction, key?: string): Promise<unknown>
  /** Settles once others find what was written here, wherever they ask. */
  seen(): Promise<void>
}

/** Customers, in the service's own database. Those who are forgotten are found by nothing here but where it says so. */
export interface CustomerRepository {
  find(id: string): Promise<Customer | undefined>
  add(tx: Transaction, customer: Customer): Promise<void>
  /** Takes over those that are not known yet. @returns the ids of those that were not */
  takeOver(tx: Transaction, customers: readonly Customer[]): Promise<ReadonlySet<string>>
  hasLimit(tx: Transaction, id: string, limitCents: number): Promise<boolean>
  /** Nothing happens where there is no such customer. */
  setLimit(tx: Transaction, id: string, limitCents: number): Promise<void>
  /** Erases name and address. @returns false when there was nothing to erase; whether there ever was such a customer, `isKnown` says */
  forget(tx: Transaction, id: string, atMs: number): Promise<boolean>
  /** Also of those who are forgotten. */
  isKnown(id: string): Promise<boolean>
  isEmpty(): Promise<boolean>
}
