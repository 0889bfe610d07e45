import { type Clock, type Database, NotFoundError, UnavailableError } from 'seaworthy/core'
import { type Erasure, rowErasure, type SubjectHolder } from 'seaworthy/event-sourcing'
import type { Outbox } from 'seaworthy/outbox'
import { customerForgotten } from '../../services/customers/contract/events.ts'
import type { Ownership } from './ownership.ts'

// By primary key.
const FORGET = `UPDATE customers SET name = '', email = '', forgotten_at_ms = ? WHERE id = ? AND forgotten_at_ms IS NULL`
// By primary key.
const SELECT_KNOWN = 'SELECT forgotten_at_ms FROM customers WHERE id = ?'
// The whole table: people are forgotten rarely, and an index would be kept for each review.
const COUNT_SIGNED = `SELECT count(*) AS count FROM reviews WHERE customer_id = ? AND author <> 'Anonymous'`
const UNSIGN = `UPDATE reviews SET author = 'Anonymous' WHERE customer_id = ? AND author <> 'Anonymous'`

interface ForgettingOptions {
  readonly database: Database
  readonly outbox: Outbox
  readonly owned: Readonly<Record<'customers' | 'reviews', Ownership>>
  readonly clock: Clock
  /** Removes what the rows left in the files of the database. @returns what may still be there */
  readonly scrub: () => Promise<readonly string[]>
}

/**
 * Forgets customers: the row loses name and address, and their reviews their name, in the transaction that tells everybody. Safe to repeat.
 * @returns an erasure whose `forget` throws NotFoundError when there never was such a customer
 */
export function forgetting({ database, outbox, owned, clock, scrub }: ForgettingOptions): Erasure {
  const known = (id: string) => database.query<{ forgotten_at_ms: number | null }>({ sql: SELECT_KNOWN, params: [id] })
  const customers: SubjectHolder = {
    kind: 'other',
    name: 'customers',
    count: async (id) => (await known(id)).filter((row) => row.forgotten_at_ms === null).length,
    async erase(tx, id) {
      if ((await customers.count(id)) === 0) return
      await owned.customers.assertOwned(tx, id)
      const { rowCount } = await tx.execute({ sql: FORGET, params: [clock.now(), id] })
      if (rowCount === 1) await outbox.add(tx, customerForgotten({ customerId: id }))
    },
  }
  const reviews: SubjectHolder = {
    kind: 'other',
    name: 'reviews',
    count: async (id) => (await database.query<{ count: number }>({ sql: COUNT_SIGNED, params: [id] }))[0]!.count,
    async erase(tx, id) {
      // Where the service owns them it erases them by the event, and what it changes is fed back to here.
      if (await isOwned(owned.reviews.assertOwned(tx))) await tx.execute({ sql: UNSIGN, params: [id] })
    },
  }
  const rows = rowErasure({ database, holders: [customers, reviews], clean: scrub, clock })
  return {
    ...rows,
    async forget(id) {
      if ((await known(id)).length === 0) throw new NotFoundError(`There is no customer ${id}.`)
      return rows.forget(id)
    },
  }
}

async function isOwned(asserted: Promise<unknown>): Promise<boolean> {
  try {
    await asserted
    return true
  } catch (error) {
    if (error instanceof UnavailableError) return false
    throw error
  }
}
