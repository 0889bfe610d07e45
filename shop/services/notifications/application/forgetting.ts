import type { Database } from 'seaworthy/core'
import { type Erasure, rowErasure } from 'seaworthy/event-sourcing'
import type { LetterRegister, Mailbox } from './ports.ts'

/** Throws the letters of a customer away, and lets none be written from then on. */
export function forgetting(options: {
  readonly database: Database
  readonly register: LetterRegister
  readonly mailbox: Mailbox
  /** Removes what the database had before. @returns what may still be there */
  readonly scrub: () => Promise<readonly string[]>
}): Erasure {
  const { database, register, mailbox, scrub } = options
  const rows = rowErasure({
    database,
    holders: [
      {
        kind: 'other',
        name: 'letters',
        count: async (customerId) => (await register.lettersOf(customerId)).length,
        erase: (tx, customerId) => register.remove(tx, customerId),
      },
    ],
    clean: scrub,
  })
  return {
    ...rows,
    async forget(customerId) {
      await database.transaction((tx) => register.forget(tx, customerId))
      // The files first: a letter that is still in the register can be found again.
      for (const jobId of await register.lettersOf(customerId)) await mailbox.remove(jobId)
      return rows.forget(customerId)
    },
  }
}
