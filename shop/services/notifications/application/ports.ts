import type { Transaction } from 'seaworthy/core'
import type { Recipient } from '../domain/letter.ts'

/** The addresses of customers, as their events told them. */
export interface AddressBook {
  remember(tx: Transaction, recipient: Recipient): Promise<void>
  find(customerId: string): Promise<Recipient | undefined>
}

/** Where finished letters go. */
export interface Mailbox {
  /** Stores the letter under the job's id, whole or not at all. Storing it again changes nothing. */
  deliver(jobId: string, eml: string): Promise<void>
}
