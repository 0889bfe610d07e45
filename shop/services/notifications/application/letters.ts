import { type Clock, SeaworthyError } from 'seaworthy/core'
import { compose, type Letter } from '../domain/letter.ts'
import { toEml } from '../domain/eml.ts'
import type { AddressBook, Mailbox } from './ports.ts'

/** The customer's events have not arrived yet: topics have no common order. Later the address is there. */
export class AddressUnknownError extends SeaworthyError {
  constructor(customerId: string) {
    super('address-unknown', `No event has told the address of customer ${customerId} yet. The letter is written when one does.`, {
      executed: 'no',
    })
  }
}

/** Writes the letter of a job. Repeating it is safe: the letter lies under the job's id. */
export type WriteLetter = (job: { readonly id: string; readonly letter: Letter }) => Promise<void>

export function letterWriter({ addresses, mailbox, clock }: { addresses: AddressBook; mailbox: Mailbox; clock: Clock }): WriteLetter {
  return async ({ id, letter }) => {
    const recipient = await addresses.find(letter.customerId)
    if (recipient === undefined) throw new AddressUnknownError(letter.customerId)
    await mailbox.deliver(id, toEml(compose(letter, recipient), { id, date: new Date(clock.now()) }))
  }
}
