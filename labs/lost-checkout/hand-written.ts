import type { Database } from 'seaworthy/core'
import type { Checkouts } from './orders.ts'
import type { Payments } from './payments.ts'

const SET_STATUS = 'UPDATE orders SET status = ? WHERE id = ?'
const UNFINISHED = "SELECT id FROM orders WHERE status = 'charging' ORDER BY id"

/** The saga that everybody writes first: states in a table, a try, and a catch that undoes. Each of its mistakes is in the order in which it does things. */
/** @param cautious sends a refund after every failure, as some do */
export function handWritten(database: Database, payments: Payments, { cautious }: { cautious: boolean }): Checkouts {
  const setStatus = (id: string, status: string) => database.atomically([{ sql: SET_STATUS, params: [status, id] }])
  const go = async (id: string) => {
    try {
      await payments.charge(id)
      await setStatus(id, 'completed')
    } catch {
      // No answer: it failed. The order is off, and what may have been taken is given back, if the payment service knows of anything.
      await setStatus(id, 'rejected')
      if (cautious) await payments.refund(id)
    }
  }
  return {
    checkOut: go,
    async recover() {
      const unfinished = await database.query<{ id: string }>({ sql: UNFINISHED })
      // It was charging when it died: so it charges.
      for (const { id } of unfinished) await go(id)
    },
  }
}
