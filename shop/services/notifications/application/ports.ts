import type { Transaction } from 'seaworthy/core'
import type { Recipient } from '../domain/letter.ts'

/** Names and addresses, wherever the customers are owned. Nothing of it is kept here. */
export interface Customers {
  /** Undefined where there is no such customer, or no more. */
  recipient(customerId: string): Promise<Recipient | undefined>
}

/** Whose each letter is, so that whoever is forgotten loses theirs. */
export interface LetterRegister {
  /** Notes a letter before it is written. @returns false when the customer was forgotten: it must not be */
  enter(letter: { readonly jobId: string; readonly customerId: string }): Promise<boolean>
  isForgotten(customerId: string): Promise<boolean>
  /** From now on no letter of the customer is entered. */
  forget(tx: Transaction, customerId: string): Promise<void>
  lettersOf(customerId: string): Promise<readonly string[]>
  remove(tx: Transaction, customerId: string): Promise<void>
}

/** Where finished letters go. */
export interface Mailbox {
  /** Stores the letter under the job's id, whole or not at all. Storing it again changes nothing. */
  deliver(jobId: string, eml: string): Promise<void>
  /** Throws a letter away, if it is there. */
  remove(jobId: string): Promise<void>
}
