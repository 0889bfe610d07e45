import type { Database } from 'seaworthy/core'
import type { LetterRegister } from '../application/ports.ts'

// By primary key, both tables. Where a person was forgotten nothing is inserted.
const ENTER = `INSERT INTO letters (job_id, customer_id) SELECT CAST(? AS TEXT), CAST(? AS TEXT)
  WHERE NOT EXISTS (SELECT 1 FROM forgotten WHERE customer_id = ?) ON CONFLICT (job_id) DO NOTHING`
// By primary key.
const SELECT_FORGOTTEN = 'SELECT 1 AS found FROM forgotten WHERE customer_id = ?'
// By primary key.
const FORGET = 'INSERT INTO forgotten (customer_id) VALUES (?) ON CONFLICT (customer_id) DO NOTHING'
// By letters_by_customer.
const SELECT_LETTERS = 'SELECT job_id FROM letters WHERE customer_id = ? ORDER BY job_id'
// By letters_by_customer.
const REMOVE = 'DELETE FROM letters WHERE customer_id = ?'

export function letterRegister(database: Database): LetterRegister {
  const isForgotten = async (customerId: string) => (await database.query({ sql: SELECT_FORGOTTEN, params: [customerId] })).length > 0
  return {
    isForgotten,
    async enter({ jobId, customerId }) {
      await database.atomically([{ sql: ENTER, params: [jobId, customerId, customerId] }])
      return !(await isForgotten(customerId))
    },
    async forget(tx, customerId) {
      await tx.execute({ sql: FORGET, params: [customerId] })
    },
    async lettersOf(customerId) {
      const rows = await database.query<{ job_id: string }>({ sql: SELECT_LETTERS, params: [customerId] })
      return rows.map(({ job_id: jobId }) => jobId)
    },
    async remove(tx, customerId) {
      await tx.execute({ sql: REMOVE, params: [customerId] })
    },
  }
}
