import type { Database } from 'seaworthy/core'
import type { AddressBook } from '../application/ports.ts'

// By primary key.
const REMEMBER = `INSERT INTO recipients (customer_id, name, email) VALUES (?, ?, ?)
  ON CONFLICT (customer_id) DO UPDATE SET name = excluded.name, email = excluded.email`
// By primary key.
const FIND = 'SELECT name, email FROM recipients WHERE customer_id = ?'

export function addressBook(database: Database): AddressBook {
  return {
    async remember(tx, { customerId, name, email }) {
      await tx.execute({ sql: REMEMBER, params: [customerId, name, email] })
    },
    async find(customerId) {
      const [row] = await database.query<{ name: string; email: string }>({ sql: FIND, params: [customerId] })
      return row === undefined ? undefined : { customerId, ...row }
    },
  }
}
