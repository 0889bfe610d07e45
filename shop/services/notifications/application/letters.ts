import type { Clock } from 'seaworthy/core'
import { toEml } from '../domain/eml.ts'
import { compose, type Letter } from '../domain/letter.ts'
import type { Customers, LetterRegister, Mailbox } from './ports.ts'

/** Writes the letter of a job. Repeating it is safe: the letter lies under the job's id. Nobody is written to who is not there any more. */
export type WriteLetter = (job: { readonly id: string; readonly letter: Letter }) => Promise<void>

export function letterWriter(options: {
  readonly customers: Customers
  readonly register: LetterRegister
  readonly mailbox: Mailbox
  readonly clock: Clock
}): WriteLetter {
  const { customers, register, mailbox, clock } = options
  return async ({ id, letter }) => {
    const { customerId } = letter
    // Entered first, so that there is no letter which nobody knows whose it is.
    if (!(await register.enter({ jobId: id, customerId }))) {
      // A try that died between the two last lines left a letter that no register knows.
      await mailbox.remove(id)
      return
    }
    const recipient = await customers.recipient(customerId)
    if (recipient === undefined) return
    await mailbox.deliver(id, toEml(compose(letter, recipient), { id, date: new Date(clock.now()) }))
    // Forgotten meanwhile: either this sees it, or whoever forgets sees the letter.
    if (await register.isForgotten(customerId)) await mailbox.remove(id)
  }
}
