import type { Database } from 'seaworthy/core'
import { type Erasure, rowErasure } from 'seaworthy/event-sourcing'
import type { Ownership, ReviewRepository } from './ports.ts'

/**
 * Takes the name of a customer off what they wrote, and lets no review that is under way bring it back. While the reviews move here, only their owner may: whoever is
 * not yet, throws UnavailableError as long as there is a name, until the owner's change has come over.
 */
export function forgetting(options: {
  readonly database: Database
  readonly reviews: ReviewRepository
  readonly owned: Ownership
  /** Removes what the rows left in the files of the database. @returns what may still be there */
  readonly scrub: () => Promise<readonly string[]>
}): Erasure {
  const { database, reviews, owned, scrub } = options
  return rowErasure({
    database,
    holders: [
      {
        kind: 'other',
        name: 'reviews',
        count: (customerId) => reviews.signedBy(customerId),
        async erase(tx, customerId) {
          if ((await reviews.forget(tx, customerId)) > 0) await owned.assertOwned(tx)
        },
      },
    ],
    clean: scrub,
  })
}
