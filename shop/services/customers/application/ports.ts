import type { Transaction } from 'seaworthy/core'
import type { Customer } from '../domain/customer.ts'

/** Customers, in the service's own database. */
export interface CustomerRepository {
  find(id: string): Promise<Customer | undefined>
  add(tx: Transaction, customer: Customer): Promise<void>
  /** Takes over those that are not known yet. @returns the ids of those that were not */
  takeOver(tx: Transaction, customers: readonly Customer[]): Promise<ReadonlySet<string>>
  /** Nothing happens where there is no such customer. */
  setLimit(tx: Transaction, id: string, limitCents: number): Promise<void>
  isEmpty(): Promise<boolean>
}
