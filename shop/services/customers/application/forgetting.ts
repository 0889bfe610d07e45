import { type Clock, type Database, NotFoundError } from 'seaworthy/core'
import { type Erasure, rowErasure } from 'seaworthy/event-sourcing'
import type { Outbox } from 'seaworthy/outbox'
import { customerForgotten } from '../contract/events.ts'
import type { CustomerRepository, Ownership } from './ports.ts'

export interface ForgettingOptions {
  readonly database: Database
  readonly customers: CustomerRepository
  readonly outbox: Outbox
  readonly owned: Ownership
  readonly clock: Clock
  /** Removes what the row left in the files of the database. @returns what may still be there */
  readonly scrub: () => Promise<readonly string[]>
}

/**
 * Forgets customers: the row loses name and address in the transaction that tells everybody. Repeated it erases nothing and tells nobody, but cleans the files again,
 * for whoever died in between.
 * @returns an erasure whose `forget` throws NotFoundError when there never was such a customer
 */
export function forgetting({ database, customers, outbox, owned, clock, scrub }: ForgettingOptions): Erasure {
  const rows = rowErasure({
    database,
    clock,
    holders: [
      {
        kind: 'other',
        name: 'customers',
        count: async (id) => ((await customers.find(id)) === undefined ? 0 : 1),
        async erase(tx, id) {
          if ((await customers.find(id)) === undefined) return
          await owned.assertOwned(tx, id)
          if (await customers.forget(tx, id, clock.now())) await outbox.add(tx, customerForgotten({ customerId: id }))
        },
      },
    ],
    clean: scrub,
  })
  return {
    ...rows,
    async forget(id) {
      if (!(await customers.isKnown(id))) throw new NotFoundError(`There is no customer ${id}.`)
      const forgotten = await rows.forget(id)
      await owned.seen()
      return forgotten
    },
  }
}
